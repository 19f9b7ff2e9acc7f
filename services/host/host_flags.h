// The flags that every process has, and how flags are read: the environment
// first (TROUPE_<FLAG>), then the command line, which wins.
//
// Thread safety: call from main, before threads start.
#pragma once

#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/base/log.h"
#include "services/host/host.h"

// Where a process listens.
ABSL_DECLARE_FLAG(std::string, listen);

namespace troupe {

struct HostFlags {
  HostOptions host;
  LogOptions log;
  std::string port_file;  // Empty: none.
  bool health_command = false;
  std::string health_address;  // Whom `health` asks.
};

// Reads the flags of the process whose actor is called `name`. Unknown flags
// end the process with a message, as Abseil does it; other mistakes are
// returned.
absl::StatusOr<HostFlags> ReadFlags(int argc, char** argv,
                                    absl::string_view name, int default_port);

// Sets every flag that has a TROUPE_<FLAG> in the environment.
absl::Status SetFlagsFromEnvironment();

// Writes a port for others to read: they see a whole file or none.
absl::Status WritePortFile(const std::string& path, int port);

// Where stages listen unless told otherwise; 50054 for names of your own.
int DefaultPort(absl::string_view name);

}  // namespace troupe
