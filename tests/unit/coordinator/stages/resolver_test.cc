#include "client/coordinator/stages/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "services/base/errors.h"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Resolve(const std::string& target) {
  return (*MakeResolver(target))->Resolve().value();
}

TEST(Resolver, TakesAListOfAddressesOnceEach) {
  EXPECT_THAT(Resolve("127.0.0.2:50051, 127.0.0.1:50052,127.0.0.2:50051"),
              ElementsAre("ipv4:127.0.0.1:50052", "ipv4:127.0.0.2:50051"));
}

TEST(Resolver, TakesAnIPv6AddressInBrackets) {
  EXPECT_THAT(Resolve("[::1]:50051"), ElementsAre("ipv6:[::1]:50051"));
}

TEST(Resolver, LooksUpANameAsOneReplicaPerIPv4Address) {
  EXPECT_THAT(Resolve("dns:localhost:50051"),
              ElementsAre("ipv4:127.0.0.1:50051"));
}

TEST(Resolver, ANameThatDoesNotExistHasNoReplicas) {
  const auto found = (*MakeResolver("dns:no-such-host.invalid:1"))->Resolve();
  // Without any name server nothing can be known.
  if (found.ok()) {
    EXPECT_THAT(*found, IsEmpty());
  } else {
    EXPECT_TRUE(absl::IsUnavailable(found.status()));
  }
}

TEST(Resolver, ReadsAFileAgainEveryTime) {
  const std::string path = testing::TempDir() + "/resolver_test_replicas";
  const auto resolver = *MakeResolver("file:" + path);
  std::ofstream(path) << "# models\n127.0.0.1:1\n";
  EXPECT_THAT(*resolver->Resolve(), ElementsAre("ipv4:127.0.0.1:1"));
  std::ofstream(path) << "127.0.0.1:2 # the new one\n\n";
  EXPECT_THAT(*resolver->Resolve(), ElementsAre("ipv4:127.0.0.1:2"));
  EXPECT_EQ(resolver->interval(), absl::Seconds(1));
}

TEST(Resolver, AnUnreadableFileIsAnErrorAndNotAnEmptyList) {
  EXPECT_FALSE((*MakeResolver("file:/no/such/file"))->Resolve().ok());
}

TEST(Resolver, RefusesWhatIsNoTarget) {
  for (const char* const target :
       {"", "host", "host:", "host:0", "host:65536", "host:x", ":1",
        "::1:50051", "[::1:50051", "dns:", "file:", "a:1,,b:2", "unix:"})
    EXPECT_EQ(ReasonOf(MakeResolver(target).status()), "BAD_TARGET") << target;
}

}  // namespace
}  // namespace troupe
