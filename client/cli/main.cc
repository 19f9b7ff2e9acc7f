// troupe: the command line.
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "client/cli/interrupt.h"
#include "client/cli/program.h"
#include "client/cli/session.h"
#include "services/base/allocator.h"
#include "services/base/clock.h"

namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The columns of the terminal at `fd`: COLUMNS where that says so, otherwise as
// it tells; 80 where it does not.
int WidthOf(int fd) {
  int width = 0;
  if (absl::SimpleAtoi(Variable("COLUMNS"), &width) && width > 0) return width;
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

// What is written to a terminal suits it; what is written elsewhere is plain.
void LookAtTerminals(troupe::Session& session) {
  const bool dumb = Variable("TERM") == "dumb";
  const bool color = !dumb && Variable("NO_COLOR").empty();
  session.terminal = isatty(STDERR_FILENO) == 1 && !dumb;
  session.width = WidthOf(STDERR_FILENO);
  session.color = session.terminal && color;
  if (isatty(STDOUT_FILENO) != 1) return;
  session.style.width = WidthOf(STDOUT_FILENO);
  session.style.color = color;
}

}  // namespace

int main(int argc, char** argv) {
  troupe::TuneAllocator();
  troupe::Session session(std::cout, std::cerr, *troupe::Clock::Real());
  troupe::ExitAtInterrupt(session.followed);
  // A closed pipe shows as a failed write.
  std::signal(SIGPIPE, SIG_IGN);
  LookAtTerminals(session);
  if (const char* address = std::getenv("TROUPE_COORDINATOR");
      address != nullptr && *address != '\0')
    session.coordinator = address;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return troupe::RunProgram(arguments, session);
}
