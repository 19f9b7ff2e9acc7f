// A Door accepts a server's connections and hands them to gRPC, whose own
// listener (1.51) never accepts again once descriptors ran out.
//
// It bounds the connections that are open, in all and of one address, and
// closes those that are too many as soon as they come. When the process has no
// descriptor left it accepts and closes with one that it keeps for that, and
// goes on.
//
// Thread safety: from the thread that made it; full from any.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/server_builder.h"
#include "services/host/wire_guard.h"

namespace troupe {

// Raises the limit of open files as far as this process may.
void RaiseFileLimit();

class Door {
 public:
  struct Limits {
    size_t connections = 0;
    size_t per_address = 0;
  };
  // What the limit of open files leaves room for, at most 1,024, and half of
  // that for one address.
  static Limits LimitsHere();

  // Listens on `host`, an address or a name, and `port` (0: any free one).
  // UNAVAILABLE (ADDRESS_IN_USE) when that cannot be.
  static absl::StatusOr<std::unique_ptr<Door>> Open(const std::string& host,
                                                    int port, Limits limits);
  // Closes it.
  ~Door();

  int port() const { return port_; }
  // Where this process reaches it: a wildcard becomes loopback.
  const sockaddr_storage& own_address() const { return own_address_; }
  // Whether it refused the last one that came.
  bool full() const { return full_.load(); }

  // Accepts, on a thread of its own. The server must have been started.
  void Start(
      std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> server);
  // Accepts no more. Idempotent.
  void Close();

 private:
  // A descriptor that gRPC closes when it likes; while it is this very socket,
  // the connection is open.
  struct Connection {
    int fd = -1;
    ino_t inode = 0;
    std::string address;
  };

  Door(int listener, Limits limits);
  void Run();
  void Accept();
  void AcceptAndClose();
  void Admit(int fd, std::string address);
  // Forgets the connections that gRPC has closed, and addresses where they are
  // many.
  void Sweep();

  const int listener_;
  const Limits limits_;
  int port_ = 0;
  sockaddr_storage own_address_ = {};
  int spare_ = -1;  // For AcceptAndClose.
  int wake_ = -1;   // Ends the thread.
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> server_;
  std::vector<Connection> connections_;
  // What one address has open, and may still reset.
  struct Address {
    size_t connections = 0;
    std::shared_ptr<ResetBudget> resets = std::make_shared<ResetBudget>();
  };
  std::map<std::string, Address> addresses_;
  std::atomic<bool> full_{false};
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace troupe
