#include "services/table/glob.h"

namespace troupe {
namespace {

// One past the UTF-8 character that begins at `i`.
size_t NextCharacter(absl::string_view text, size_t i) {
  ++i;
  while (i < text.size() &&
         (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80)
    ++i;
  return i;
}

}  // namespace

bool HasGlob(absl::string_view pattern) {
  return pattern.find_first_of("*?") != absl::string_view::npos;
}

bool MatchesGlob(absl::string_view glob, absl::string_view name) {
  size_t g = 0;
  size_t n = 0;
  // Where to go on when the last `*` has to take one character more.
  size_t star = absl::string_view::npos;
  size_t retry = 0;
  while (n < name.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      retry = n;
    } else if (g < glob.size() && glob[g] == '?') {
      ++g;
      n = NextCharacter(name, n);
    } else if (g < glob.size() && glob[g] == name[n]) {
      ++g;
      ++n;
    } else if (star != absl::string_view::npos) {
      g = star + 1;
      n = ++retry;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

}  // namespace troupe
