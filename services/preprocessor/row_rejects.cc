#include "services/preprocessor/row_rejects.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace troupe::preprocessor {
namespace {

// A message is read by people: longer values are cut.
constexpr size_t kMaxValueBytes = 80;

std::string Quoted(absl::string_view value) {
  size_t end = value.size();
  if (end > kMaxValueBytes) {
    end = kMaxValueBytes;
    while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80)
      --end;
  }
  return absl::StrCat("\"", absl::Utf8SafeCEscape(value.substr(0, end)),
                      end < value.size() ? "..." : "", "\"");
}

}  // namespace

void RowRejects::Add(int64_t row, absl::string_view reason,
                     absl::string_view column, absl::string_view what,
                     absl::string_view value) {
  if (!marked_.insert(row).second) return;
  const std::string before = absl::StrCat("column ", Quoted(column), ": ");
  found_.Add(row, {reason, before, value.empty() ? "" : Quoted(value),
                   value.empty() ? what : absl::StrCat(" ", what)});
}

void RowRejects::RemoveFrom(Table& table) {
  if (found_.empty()) return;
  std::vector<int64_t> kept;
  kept.reserve(static_cast<size_t>(table.rows - found_.size()));
  for (int64_t row = 0; row < table.rows; ++row)
    if (!marked_.contains(row)) kept.push_back(row);
  found_.Renumber([&](int64_t row) { return table.Ordinal(row); });
  removed_.Append(std::exchange(found_, {}));
  marked_.clear();
  table = table.Select(kept);
}

RejectedRows RowRejects::Take() {
  removed_.Sort();
  return std::exchange(removed_, {});
}

}  // namespace troupe::preprocessor
