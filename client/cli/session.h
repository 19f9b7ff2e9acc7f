// A Session is what every command works with: the streams, the clock, the
// connection and the options that all commands share. It stands between the
// commands and the process, so that tests can run them.
//
// Thread safety: one thread, apart from `followed`.
#pragma once

#include <functional>
#include <iostream>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cli/exit_code.h"
#include "client/cli/interrupt.h"
#include "client/cli/progress.h"
#include "client/cli/text_format.h"
#include "client/rpc/coordinator_client.h"
#include "google/protobuf/message.h"
#include "services/base/clock.h"

namespace troupe {

constexpr char kDefaultCoordinator[] = "127.0.0.1:50050";

struct Session {
  using Connector = std::function<std::unique_ptr<CoordinatorClient>(
      const std::string&, Reconnecting)>;
  // What a parsed command does. An error is shown and becomes an exit code.
  using Command = std::function<absl::StatusOr<ExitCode>()>;

  Session(std::ostream& result_stream, std::ostream& error_stream,
          const Clock& session_clock)
      : out(result_stream), err(error_stream), clock(session_clock) {}

  std::istream* in = &std::cin;
  std::ostream& out;  // Results.
  std::ostream& err;  // Everything else.
  const Clock& clock;
  Connector connect = &CoordinatorClient::Connect;
  std::function<void(absl::Duration)> sleep = &absl::SleepFor;
  bool terminal = false;  // Whether `err` is one that can redraw a line.
  int width = 80;         // Its width.
  bool color = false;     // Whether errors stand out there.
  TableStyle style;       // Of tables in `out`.
  Followed followed;

  // --- The options that all commands share -----------------------------------
  std::string coordinator = kDefaultCoordinator;
  bool json = false;
  bool quiet = false;
  double retry_for = 60;  // Seconds.

  // --- Those of the commands that submit jobs --------------------------------
  bool detach = false;     // Print the job's id, and do not wait for its end.
  std::string request_id;  // "" for one that is made up.

  // Set by parsing.
  Command command;

  // What a line about an error begins with.
  const char* ErrorHead() const {
    return color ? "\x1b[31mtroupe:\x1b[0m " : "troupe: ";
  }
  CoordinatorClient& client();
  ProgressView::Options progress_options() const {
    return {quiet, terminal, width};
  }
  // Writes one JSON document, or, for JSON lines, one line.
  absl::Status PrintJson(const google::protobuf::Message& message,
                         bool one_line = false);
  // Says something beside the result, unless --quiet or --json.
  void Note(absl::string_view text);

 private:
  std::unique_ptr<CoordinatorClient> client_;
};

}  // namespace troupe
