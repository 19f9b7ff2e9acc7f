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
  const auto [entry, added] = found_.try_emplace(row);
  if (!added) return;
  entry->second.set_reason(std::string(reason));
  entry->second.set_message(absl::StrCat(
      "column ", Quoted(column), ": ",
      value.empty() ? "" : absl::StrCat(Quoted(value), " "), what));
}

void RowRejects::RemoveFrom(Table& table) {
  if (found_.empty()) return;
  std::vector<int64_t> kept;
  kept.reserve(static_cast<size_t>(table.rows) - found_.size());
  auto next = found_.begin();
  for (int64_t row = 0; row < table.rows; ++row) {
    if (next == found_.end() || next->first != row) {
      kept.push_back(row);
      continue;
    }
    const int64_t ordinal = table.Ordinal(row);
    next->second.set_row(ordinal);
    next->second.set_message(
        absl::StrCat("row ", ordinal, ", ", next->second.message()));
    removed_.emplace(ordinal, std::move(next->second));
    ++next;
  }
  found_.clear();
  table = table.Select(kept);
}

std::vector<pb::RejectedRow> RowRejects::Take() {
  std::vector<pb::RejectedRow> rows;
  rows.reserve(removed_.size());
  for (auto& [ordinal, row] : removed_) rows.push_back(std::move(row));
  removed_.clear();
  return rows;
}

}  // namespace troupe::preprocessor
