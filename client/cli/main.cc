// troupe: the command line.
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "client/cli/interrupt.h"
#include "client/cli/program.h"
#include "client/cli/session.h"
#include "services/base/allocator.h"
#include "services/base/clock.h"

int main(int argc, char** argv) {
  troupe::TuneAllocator();
  troupe::Session session(std::cout, std::cerr, *troupe::Clock::Real());
  troupe::ExitAtInterrupt(session.followed);
  // A closed pipe shows as a failed write.
  std::signal(SIGPIPE, SIG_IGN);
  session.terminal = isatty(STDERR_FILENO) == 1;
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    session.width = size.ws_col;
  if (const char* address = std::getenv("TROUPE_COORDINATOR");
      address != nullptr && *address != '\0')
    session.coordinator = address;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return troupe::RunProgram(arguments, session);
}
