// The program `troupe`, without the process around it.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/session.h"

namespace troupe {

// Parses the command line (without the program's name), runs the command and
// shows what went wrong as `troupe: message` on session.err.
ExitCode RunProgram(const std::vector<std::string>& arguments,
                    Session& session);

}  // namespace troupe
