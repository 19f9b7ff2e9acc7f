#include "services/host/server_options.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "tests/unit/host/echo_host.h"

namespace troupe {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// A TCP connection that says nothing by itself.
class Connection {
 public:
  explicit Connection(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const sockaddr_in address = Loopback(port);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
              0);
  }
  ~Connection() { close(socket_); }

  // Whether the other end closes it in this time.
  bool ClosesWithin(int seconds) {
    const timeval patience = {seconds, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    std::array<char, 4096> bytes;
    ssize_t got = 0;
    while ((got = recv(socket_, bytes.data(), bytes.size(), 0)) > 0) {
    }
    return got == 0 || errno == ECONNRESET;
  }

 private:
  const int socket_;
};

TEST(HardenServer, NobodyWhoWouldShareThePortGetsIt) {
  EchoHost host;
  ASSERT_TRUE(host.Start().ok());
  const int thief = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(thief, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
  const sockaddr_in address = Loopback(host.host->port());
  EXPECT_NE(
      bind(thief, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
      0);
  close(thief);
}

TEST(HardenServer, AConnectionThatNeverSpeaksIsClosedAfterFiveSeconds) {
  EchoHost host;
  ASSERT_TRUE(host.Start().ok());
  EXPECT_TRUE(Connection(host.host->port()).ClosesWithin(8));
}

TEST(MemoryBudget, IsAtMostHalfOfTheMachine) {
  const int64_t machine =
      int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  EXPECT_GT(MemoryBudgetBytes(), 0);
  EXPECT_LE(MemoryBudgetBytes(), machine / 2);
}

}  // namespace
}  // namespace troupe
