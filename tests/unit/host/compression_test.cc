// What comes compressed is refused before it is inflated.
#include <gtest/gtest.h>

#include "tests/unit/host/echo_host.h"

namespace troupe {
namespace {

TEST(Compression, IsRefused) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  const auto reply = echo.Process(std::string(1 << 20, 'a'), &context);
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnimplemented)
      << reply.status();
  EXPECT_EQ(echo.stage->processed, 0);
  EXPECT_TRUE(echo.Process("hello").ok());
}

}  // namespace
}  // namespace troupe
