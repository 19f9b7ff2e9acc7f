#include "services/base/nearest.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/base/neighbour_words.h"

namespace troupe {
namespace {

// Optimal string alignment distance, by three rows of the usual table.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string NearestName(absl::string_view name,
                        const std::vector<std::string>& candidates) {
  const std::string wanted = absl::AsciiStrToLower(name);
  std::string best;
  size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    const size_t longer = std::max(wanted.size(), candidate.size());
    const size_t distance =
        EditDistance(wanted, absl::AsciiStrToLower(candidate));
    if (distance > std::max<size_t>(1, longer / 3)) continue;
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string DidYouMean(absl::string_view name,
                       const std::vector<std::string>& candidates) {
  const std::string nearest = NearestName(name, candidates);
  if (!absl::EqualsIgnoreCase(nearest, name))
    if (const auto ours = NeighbourWords(name, candidates); !ours.empty())
      return absl::StrCat("; did you mean \"", absl::StrJoin(ours, "\" or \""),
                          "\"?");
  if (nearest.empty()) return "";
  return absl::StrCat("; did you mean \"", nearest, "\"?");
}

std::string AskForDelimiter(const std::vector<std::string>& columns) {
  if (columns.size() != 1) return "";
  constexpr size_t kLongest = 60;
  const std::string& name = columns[0];
  for (const char delimiter : {';', '\t', '|', ','}) {
    if (name.find(delimiter) == std::string::npos) continue;
    const std::string shown =
        delimiter == '\t' ? "a tab"
                          : absl::StrCat("\"", std::string(1, delimiter), "\"");
    return absl::StrCat("; the table has one column, \"",
                        name.substr(0, kLongest),
                        name.size() > kLongest ? "..." : "",
                        "\": is the delimiter ", shown, "?");
  }
  return "";
}

}  // namespace troupe
