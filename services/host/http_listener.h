// An HttpListener serves HTTP/1.1 beside gRPC, on a port of its own: for people
// with curl and for what speaks no gRPC. It holds a small pool of threads; a
// handler may block one until its deadline.
//
// Bounded: the headers (8 KiB a line), the body, the time that a request may
// take to arrive, the connections that are served at once. Where it listens on
// loopback only, requests for another host's name are refused: pages in a
// browser must not reach it by a name that they own (DNS rebinding).
//
// Thread safety: Handle before Start; Start and the destructor from one thread.
// Handlers run on its threads, several at once.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace troupe {

struct HttpRequest {
  std::string name;  // What stood in the path for the handler's `:`.
  std::string body;
};

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  int retry_after = 0;  // Seconds; 0: says nothing.
};

class HttpListener {
 public:
  struct Options {
    size_t max_body_bytes = size_t{8} << 20;
    int threads = 64;
  };

  explicit HttpListener(Options options);
  // Waits for the handlers that run.
  ~HttpListener();

  // Answers `method` (GET or POST) at `path`, such as "/predict/:", where the
  // colon stands for the rest of the path.
  void Handle(absl::string_view method, const std::string& path,
              std::function<HttpAnswer(const HttpRequest&)> answer);

  // Listens at HOST:PORT, 0 for any free port, and returns the port.
  // UNAVAILABLE (CANNOT_LISTEN).
  absl::StatusOr<int> Start(const std::string& host, int port);

 private:
  struct Server;
  const std::unique_ptr<Server> server_;
};

// An error as people with curl read it: code, reason, message and metadata as
// JSON, under the HTTP status that says the same.
HttpAnswer HttpErrorOf(const absl::Status& status);

}  // namespace troupe
