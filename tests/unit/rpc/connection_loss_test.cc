// A real channel to a peer that speaks just enough HTTP/2 to be left by it in
// every way.
#include "client/rpc/connection_loss.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/rpc/grpc_stage_client.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kGoaway = 7;

std::string Frame(uint8_t type, const std::string& payload) {
  std::string frame(9, '\0');
  frame[2] = static_cast<char>(payload.size());
  frame[3] = static_cast<char>(type);
  return frame + payload;
}

// Accepts one connection, waits for a call on it, and then does something.
class Peer {
 public:
  explicit Peer(std::function<void(int socket)> on_call)
      : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    listen(listener_, 1);
    socklen_t size = sizeof(address);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, on_call] {
      const int connection = accept(listener_, nullptr, nullptr);
      close(listener_);
      Send(connection, Frame(kSettings, ""));
      Read(connection, sizeof(kPreface) - 1);
      while (ReadFrame(connection) != kHeaders) {
      }
      on_call(connection);
      close(connection);
    });
  }
  ~Peer() { thread_.join(); }

  std::string address() const { return absl::StrCat("ipv4:127.0.0.1:", port_); }
  static void Send(int connection, const std::string& bytes) {
    send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

 private:
  static std::string Read(int connection, size_t size) {
    std::string bytes(size, '\0');
    recv(connection, bytes.data(), size, MSG_WAITALL);
    return bytes;
  }
  static uint8_t ReadFrame(int connection) {
    const std::string head = Read(connection, 9);
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(head[i]); };
    Read(connection, size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2));
    return byte(3);
  }

  const int listener_;
  int port_ = 0;
  std::thread thread_;
};

absl::Status CallAt(const std::string& address) {
  RpcThread thread;
  GrpcStageClient client(address, &thread);
  std::promise<absl::Status> ended;
  UnaryCall call;
  call.method = "/troupe.v1.Stage/Process";
  call.timeout = absl::Seconds(30);
  client.Call(std::move(call),
              [&](UnaryReply reply) { ended.set_value(reply.status); });
  return ended.get_future().get();
}

TEST(ConnectionLoss, AClosedSocketIsADeath) {
  Peer peer([](int) {});
  const absl::Status status = CallAt(peer.address());
  EXPECT_EQ(LossOf(status), ConnectionLoss::kClosed) << status;
}

TEST(ConnectionLoss, AResetSocketIsADeath) {
  Peer peer([](int connection) {
    const linger at_once = {1, 0};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  });
  const absl::Status status = CallAt(peer.address());
  EXPECT_EQ(LossOf(status), ConnectionLoss::kClosed) << status;
}

TEST(ConnectionLoss, AGoawayIsALeave) {
  Peer peer([](int connection) {
    // The last stream it worked on: none. No error.
    Peer::Send(connection, Frame(kGoaway, std::string(8, '\0')));
  });
  const absl::Status status = CallAt(peer.address());
  EXPECT_EQ(LossOf(status), ConnectionLoss::kLeft) << status;
}

TEST(ConnectionLoss, AClosedPortIsNoConnection) {
  std::string address;
  {
    Peer peer([](int) {});
    address = peer.address();
    CallAt(address).IgnoreError();
  }
  const absl::Status status = CallAt(address);
  EXPECT_EQ(LossOf(status), ConnectionLoss::kNotMade) << status;
}

// What a reset looks like depends on whether reading or writing meets it.
TEST(ConnectionLoss, AllTextsOfAResetAreADeath) {
  for (const char* const text :
       {"Socket closed", "recvmsg:Connection reset by peer",
        "sendmsg:Connection reset by peer", "sendmsg:Broken pipe"})
    EXPECT_EQ(LossOf(absl::UnavailableError(text)), ConnectionLoss::kClosed);
}

TEST(ConnectionLoss, SilenceAndAFailingNetworkAreNoDeath) {
  for (const char* const text :
       {"keepalive watchdog timeout", "recvmsg:Connection timed out",
        "recvmsg:No route to host", "a text of some later version"})
    EXPECT_EQ(LossOf(absl::UnavailableError(text)), ConnectionLoss::kSilent);
}

TEST(ConnectionLoss, AnswersWithAReasonOrAnotherCodeAreNone) {
  EXPECT_EQ(LossOf(absl::OkStatus()), ConnectionLoss::kNone);
  EXPECT_EQ(LossOf(Draining("model")), ConnectionLoss::kNone);
  EXPECT_EQ(LossOf(absl::DeadlineExceededError("Socket closed")),
            ConnectionLoss::kNone);
}

}  // namespace
}  // namespace troupe
