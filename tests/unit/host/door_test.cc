#include "services/host/door.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "services/host/deaf_watch.h"
#include "tests/testing/gate.h"
#include "tests/unit/host/echo_host.h"

namespace troupe {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(5);

sockaddr_storage OnLoopback(int port) {
  sockaddr_storage address = {};
  auto* const ip = reinterpret_cast<sockaddr_in*>(&address);
  ip->sin_family = AF_INET;
  ip->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ip->sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_storage address = OnLoopback(port);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address),
                    sizeof(sockaddr_in)),
            0);
  return fd;
}

// Sets the limit of open files for as long as it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t files) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit limit = {files, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~FileLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

TEST(Door, RefusesTheOneTooManyAndTakesTheNextWhenOneLeft) {
  HostOptions options;
  options.connections = {4, 4};
  EchoHost echo(options);
  ASSERT_TRUE(echo.Start().ok());
  const sockaddr_storage address = OnLoopback(echo.host->port());
  std::vector<int> open;
  for (int i = 0; i < 4; ++i) open.push_back(Connect(echo.host->port()));
  EXPECT_FALSE(Greets(address, kPatience));
  close(open.back());
  open.pop_back();
  while (!Greets(address, kPatience)) std::this_thread::yield();
  for (const int fd : open) close(fd);
}

TEST(Door, OneAddressDoesNotTakeAllPlaces) {
  HostOptions options;
  options.connections = {4, 2};
  options.listen = "0.0.0.0";
  EchoHost echo(options);
  ASSERT_TRUE(echo.Start().ok());
  std::vector<int> open;
  for (int i = 0; i < 2; ++i) open.push_back(Connect(echo.host->port()));
  EXPECT_FALSE(Greets(OnLoopback(echo.host->port()), kPatience));
  sockaddr_storage other = OnLoopback(echo.host->port());
  reinterpret_cast<sockaddr_in*>(&other)->sin_addr.s_addr =
      htonl(INADDR_LOOPBACK + 1);
  // Who is asked by 127.0.0.2 is asked from there.
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_storage from = other;
  reinterpret_cast<sockaddr_in*>(&from)->sin_port = 0;
  ASSERT_EQ(
      bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(sockaddr_in)),
      0);
  ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&other),
                    sizeof(sockaddr_in)),
            0);
  char first = 0;
  const timeval patience = {3, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  // gRPC greets as soon as it has the connection.
  EXPECT_EQ(recv(fd, &first, 1, 0), 1);
  close(fd);
  for (const int each : open) close(each);
}

// The known fault of gRPC 1.51: after this it never accepted again.
TEST(Door, AcceptsAgainAfterDescriptorsRanOut) {
  HostOptions options;
  options.connections = {4096, 4096};
  EchoHost echo(options);
  ASSERT_TRUE(echo.Start().ok());
  std::vector<int> open;
  {
    const int next = dup(0);
    close(next);
    const FileLimit limit(static_cast<rlim_t>(next) + 40);
    while (true) {
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      if (fd < 0) break;
      const sockaddr_storage address = OnLoopback(echo.host->port());
      const timeval patience = {2, 0};
      setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
      connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(sockaddr_in));
      open.push_back(fd);
    }
    for (const int fd : open) close(fd);
  }
  while (!Greets(OnLoopback(echo.host->port()), kPatience))
    std::this_thread::yield();
  EXPECT_TRUE(echo.Process("hello").ok());
}

TEST(DeafWatch, NoticesAListenerThatAcceptsNobody) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(listen(listener, 1), 0);
  sockaddr_in bound = {};
  socklen_t size = sizeof(bound);
  getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &size);
  Gate deaf;
  {
    const DeafWatch watch(
        {absl::Milliseconds(10), absl::Milliseconds(50), 3},
        OnLoopback(ntohs(bound.sin_port)), [] { return false; },
        [&deaf] { deaf.Open(); });
    EXPECT_TRUE(deaf.Wait());
  }
  close(listener);
}

TEST(DeafWatch, LeavesAServerThatAnswersOrIsExcused) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  std::atomic<int> bites{0};
  std::atomic<int> excuses{0};
  {
    const DeafWatch healthy(
        {absl::Milliseconds(1), kPatience, 1}, OnLoopback(echo.host->port()),
        [] { return false; }, [&bites] { ++bites; });
    const DeafWatch excused(
        {absl::Milliseconds(1), absl::Milliseconds(1), 1}, OnLoopback(1),
        [&excuses] { return ++excuses > 0; }, [&bites] { ++bites; });
    while (excuses < 20) std::this_thread::yield();
  }
  EXPECT_EQ(bites, 0);
}

// A stop does not wait for an answer that does not come.
TEST(DeafWatch, EndsWhileItWaitsForAnAnswer) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(listen(listener, 1), 0);
  sockaddr_in bound = {};
  socklen_t size = sizeof(bound);
  getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &size);
  const absl::Duration begun = Clock::Real()->Monotonic();
  {
    const DeafWatch watch(
        {absl::ZeroDuration(), absl::Hours(1), 1},
        OnLoopback(ntohs(bound.sin_port)), [] { return false; }, [] {});
  }
  EXPECT_LT(Clock::Real()->Monotonic() - begun, absl::Minutes(1));
  close(listener);
}

}  // namespace
}  // namespace troupe
