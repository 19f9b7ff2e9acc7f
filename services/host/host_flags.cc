#include "services/host/host_flags.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

ABSL_FLAG(std::string, listen, "127.0.0.1",
          "address to listen on; 0.0.0.0 or :: for all");
ABSL_FLAG(int, port, -1,
          "port to listen on; 0: any free one; -1: the stage's own");
ABSL_FLAG(std::string, port_file, "",
          "file that gets the port's number once the process serves");
ABSL_FLAG(std::string, address, "",
          "health: HOST:PORT to ask, in place of --listen and --port");
ABSL_FLAG(int64_t, mailbox_messages, 64,
          "messages that may wait in each of the lanes online and batch");
ABSL_FLAG(int64_t, mailbox_bytes, int64_t{256} << 20,
          "bytes of messages that may wait in each lane; an empty lane takes a "
          "message of any legal size");
ABSL_FLAG(int64_t, max_message_bytes, int64_t{68} << 20,
          "longest message, bytes");
ABSL_FLAG(absl::Duration, drain_deadline, absl::Seconds(7),
          "how long accepted messages are worked on after a stop; the process "
          "ends at most 2 s later");
ABSL_FLAG(absl::Duration, stuck_after, absl::Seconds(60),
          "messages that run longer are reported in the log");
ABSL_FLAG(absl::Duration, stuck_exit_after, absl::Seconds(10),
          "the process exits with 70 when a handler goes on so long after its "
          "work limit");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warning or error");
ABSL_FLAG(bool, log_json, false, "log lines as JSON objects");
ABSL_FLAG(bool, reflection, false, "serve gRPC reflection, for grpcurl");

namespace troupe {
namespace {

std::string ReplicaName() {
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, ":", getpid());
}

// Whom `health` asks: a wildcard is not an address, so it asks on loopback.
std::string HealthAddress(const HostOptions& host) {
  const std::string address = absl::GetFlag(FLAGS_address);
  if (!address.empty()) return address;
  if (host.listen == "0.0.0.0") return absl::StrCat("127.0.0.1:", host.port);
  if (host.listen == "::" || host.listen == "[::]")
    return absl::StrCat("[::1]:", host.port);
  if (absl::StrContains(host.listen, ':') &&
      !absl::StartsWith(host.listen, "["))
    return absl::StrCat("[", host.listen, "]:", host.port);
  return absl::StrCat(host.listen, ":", host.port);
}

absl::Status CheckRanges(const HostOptions& host) {
  if (host.port < 0 || host.port > 65535)
    return BadSpec("--port", "must be 0 to 65535");
  if (host.mailbox_messages < 1)
    return BadSpec("--mailbox_messages", "must be at least 1");
  if (host.mailbox_bytes < 1)
    return BadSpec("--mailbox_bytes", "must be at least 1");
  if (host.max_message_bytes < 1 << 20)
    return BadSpec("--max_message_bytes", "must be at least 1 MiB");
  if (host.drain_time < absl::ZeroDuration() ||
      host.drain_time > absl::Hours(24))
    return BadSpec("--drain_deadline", "must be 0s to 24h");
  return absl::OkStatus();
}

}  // namespace

int DefaultPort(absl::string_view name) {
  if (name == "coordinator") return 50050;
  if (name == "loader") return 50051;
  if (name == "preprocessor") return 50052;
  if (name == "model") return 50053;
  return 50054;
}

absl::Status SetFlagsFromEnvironment() {
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    const std::string variable =
        absl::StrCat("TROUPE_", absl::AsciiStrToUpper(name));
    const char* const value = std::getenv(variable.c_str());
    if (value == nullptr) continue;
    std::string error;
    if (!flag->ParseFrom(value, &error))
      return BadSpec(variable,
                     absl::StrCat("\"", value, "\" is no value for --", name,
                                  error.empty() ? "" : ": ", error));
  }
  return absl::OkStatus();
}

absl::Status WritePortFile(const std::string& path, int port) {
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  {
    std::ofstream file(temporary);
    file << port << "\n";
    if (!file.flush())
      return BadSpec("port file",
                     absl::StrCat("cannot write \"", temporary, "\""));
  }
  if (std::rename(temporary.c_str(), path.c_str()) == 0)
    return absl::OkStatus();
  std::remove(temporary.c_str());
  return BadSpec("port file", absl::StrCat("cannot write \"", path, "\""));
}

absl::StatusOr<HostFlags> ReadFlags(int argc, char** argv,
                                    absl::string_view name, int default_port) {
  absl::SetProgramUsageMessage(absl::StrCat(
      "Runs the actor \"", name, "\" of Troupe.\n\n  troupe-", name,
      " [flags]         serves until SIGTERM\n  troupe-", name,
      " health [flags]  asks a running one, exits with 0 when it is healthy\n\n"
      "Each flag can also be set in the environment: --log_level as "
      "TROUPE_LOG_LEVEL."));
  absl::FlagsUsageConfig usage;
  usage.version_string = [] { return TROUPE_VERSION "\n"; };
  // --help shows our flags, and not those of Abseil.
  usage.contains_help_flags =
      usage.contains_helpshort_flags = [](absl::string_view file) {
        return !absl::StrContains(file, "absl/") &&
               !absl::StrContains(file, "abseil");
      };
  absl::SetFlagsUsageConfig(usage);
  RETURN_IF_ERROR(SetFlagsFromEnvironment());
  std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  rest.erase(rest.begin());

  HostFlags flags;
  if (!rest.empty() && absl::string_view(rest[0]) == "health") {
    flags.health_command = true;
    rest.erase(rest.begin());
  }
  if (!rest.empty())
    return BadSpec("command line",
                   absl::StrCat("unexpected \"", rest[0], "\""));

  HostOptions& host = flags.host;
  host.service = std::string(name);
  host.replica = ReplicaName();
  host.listen = absl::GetFlag(FLAGS_listen);
  host.port = absl::GetFlag(FLAGS_port);
  if (host.port == -1) host.port = default_port;
  host.mailbox_messages = absl::GetFlag(FLAGS_mailbox_messages);
  host.mailbox_bytes = absl::GetFlag(FLAGS_mailbox_bytes);
  host.max_message_bytes = absl::GetFlag(FLAGS_max_message_bytes);
  host.drain_time = absl::GetFlag(FLAGS_drain_deadline);
  host.stuck_after = absl::GetFlag(FLAGS_stuck_after);
  host.stuck_exit_after = absl::GetFlag(FLAGS_stuck_exit_after);
  host.reflection = absl::GetFlag(FLAGS_reflection);
  RETURN_IF_ERROR(CheckRanges(host));
  flags.port_file = absl::GetFlag(FLAGS_port_file);
  flags.health_address = HealthAddress(host);
  flags.log.service = host.service;
  flags.log.replica = host.replica;
  flags.log.json = absl::GetFlag(FLAGS_log_json);
  if (!ParseLogLevel(absl::GetFlag(FLAGS_log_level), &flags.log.level))
    return BadSpec("--log_level", "must be debug, info, warning or error");
  return flags;
}

}  // namespace troupe
