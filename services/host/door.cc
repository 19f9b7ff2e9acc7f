#include "services/host/door.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/log.h"

namespace troupe {
namespace {

// Each may hold 256 calls of some 20 KB that never begin.
constexpr size_t kMostConnections = 1024;
constexpr size_t kMostAddresses = 2 * kMostConnections;  // Remembered.
// Descriptors for files, calls to others, and gRPC itself.
constexpr size_t kOwnFiles = 256;
constexpr int kUnsentMilliseconds = 10'000;  // As long as a ping may take.
constexpr int kPauseMilliseconds = 20;

void SetOption(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool OutOfFiles(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM;
}

// Without the port; "" where there is none.
std::string AddressOf(const sockaddr_storage& address, socklen_t size) {
  char text[NI_MAXHOST] = "";
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, text,
                  sizeof(text), nullptr, 0, NI_NUMERICHOST) != 0)
    return "";
  return text;
}

int Listener(const addrinfo& address) {
  const int fd =
      socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.ai_family == AF_INET6)
    SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  // What is accepted inherits these.
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnsentMilliseconds);
  if (bind(fd, address.ai_addr, address.ai_addrlen) == 0 &&
      listen(fd, SOMAXCONN) == 0)
    return fd;
  close(fd);
  return -1;
}

}  // namespace

void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Door::Limits Door::LimitsHere() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const size_t files = limit.rlim_cur;
  Limits limits;
  limits.connections = std::min(
      kMostConnections, files > 2 * kOwnFiles ? files - kOwnFiles : files / 2);
  limits.per_address = std::max<size_t>(limits.connections / 2, 1);
  return limits;
}

absl::StatusOr<std::unique_ptr<Door>> Door::Open(const std::string& host,
                                                 int port, Limits limits) {
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int listener = -1;
  if (getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found) ==
      0) {
    for (const addrinfo* each = found; each != nullptr && listener < 0;
         each = each->ai_next)
      listener = Listener(*each);
    freeaddrinfo(found);
  }
  if (listener < 0)
    return MakeError(
        absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
        absl::StrCat("cannot listen on ", host, ":", port,
                     ": the port is in use, or the address is not of this "
                     "machine; choose another one with --port or --listen"));
  return std::unique_ptr<Door>(new Door(listener, limits));
}

Door::Door(int listener, Limits limits)
    : listener_(listener),
      limits_(limits),
      spare_(OpenSpare()),
      wake_(eventfd(0, EFD_CLOEXEC)) {
  socklen_t size = sizeof(own_address_);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&own_address_), &size);
  if (own_address_.ss_family == AF_INET) {
    auto* const ip = reinterpret_cast<sockaddr_in*>(&own_address_);
    port_ = ntohs(ip->sin_port);
    if (ip->sin_addr.s_addr == htonl(INADDR_ANY))
      ip->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    auto* const ip = reinterpret_cast<sockaddr_in6*>(&own_address_);
    port_ = ntohs(ip->sin6_port);
    if (IN6_IS_ADDR_UNSPECIFIED(&ip->sin6_addr))
      ip->sin6_addr = in6addr_loopback;
  }
}

Door::~Door() {
  Close();
  if (spare_ >= 0) close(spare_);
  close(wake_);
}

void Door::Start(
    std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> server) {
  server_ = std::move(server);
  thread_ = std::thread([this] { Run(); });
}

void Door::Close() {
  eventfd_write(wake_, 1);
  if (thread_.joinable()) thread_.join();
  if (!closed_) close(listener_);
  closed_ = true;
}

void Door::Run() {
  while (true) {
    pollfd fds[] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    Accept();
  }
}

void Door::Accept() {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  const int fd = accept4(listener_, reinterpret_cast<sockaddr*>(&peer), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) return Admit(fd, AddressOf(peer, size));
  if (OutOfFiles(errno)) AcceptAndClose();
}

// The peer learns it at once, rather than wait in the queue of a listener that
// is readable all the time.
void Door::AcceptAndClose() {
  full_ = true;
  if (spare_ >= 0) close(spare_);
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) close(fd);
  spare_ = OpenSpare();
  // Who has none left gets one back when somebody else closes one.
  if (fd < 0 || spare_ < 0) poll(nullptr, 0, kPauseMilliseconds);
}

void Door::Admit(int fd, std::string address) {
  if (connections_.size() >= limits_.connections ||
      addresses_.size() >= kMostAddresses ||
      addresses_[address].connections >= limits_.per_address)
    Sweep();
  struct stat socket = {};
  const bool admitted = connections_.size() < limits_.connections &&
                        addresses_[address].connections < limits_.per_address &&
                        fstat(fd, &socket) == 0;
  if (full_.exchange(!admitted) == admitted)
    Log(LogLevel::kWarning,
        admitted ? "connections are taken again"
                 : "too many connections: further ones are closed",
        {{"open", connections_.size()}, {"from", address}});
  if (!admitted) {
    close(fd);
    return;
  }
  Address& from = addresses_[address];
  ++from.connections;
  GuardWire(fd, socket.st_ino, std::make_unique<WireReader>(from.resets));
  connections_.push_back({fd, socket.st_ino, std::move(address)});
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
      connection;
  connection.listener_fd = listener_;
  connection.fd = fd;
  server_->HandleNewConnection(&connection);
}

void Door::Sweep() {
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const Connection& each) {
                                      struct stat now = {};
                                      return fstat(each.fd, &now) != 0 ||
                                             !S_ISSOCK(now.st_mode) ||
                                             now.st_ino != each.inode;
                                    }),
                     connections_.end());
  for (auto& [address, each] : addresses_) each.connections = 0;
  for (const Connection& each : connections_)
    ++addresses_[each.address].connections;
  if (addresses_.size() < kMostAddresses) return;
  for (auto each = addresses_.begin(); each != addresses_.end();)
    each = each->second.connections == 0 ? addresses_.erase(each)
                                         : std::next(each);
}

}  // namespace troupe
