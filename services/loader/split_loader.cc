#include "services/loader/split_loader.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/record_scanner.h"
#include "services/loader/source_spec.h"
#include "services/loader/split_text.h"
#include "services/loader/table_rows.h"
#include "services/loader/text_place.h"
#include "services/table/row_split.h"

namespace troupe::loader {
namespace {

using Outcome = RecordScanner::Outcome;

constexpr int64_t kRowsBetweenChecks = 1024;

absl::Status WrongRowCount(const pb::Split& split) {
  return BadMessage(absl::StrCat("the split's text does not hold ",
                                 split.rows(), " records"));
}

pb::RejectedRow Reject(int64_t ordinal, absl::string_view reason,
                       std::string message) {
  pb::RejectedRow rejected;
  rejected.set_row(ordinal);
  rejected.set_reason(std::string(reason));
  rejected.set_message(std::move(message));
  return rejected;
}

// Invalid UTF-8 replaced by U+FFFD.
std::string Readable(absl::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    absl::StrAppend(&result, text.substr(0, valid));
    if (valid < text.size()) absl::StrAppend(&result, "\xef\xbf\xbd");
    text.remove_prefix(std::min(valid + 1, text.size()));
  }
  return result;
}

}  // namespace

absl::StatusOr<LoadedSplit> LoadSplit(const pb::LoadRequest& request,
                                      absl::string_view text,
                                      const Context& context) {
  const pb::Split& split = request.split();
  const std::string& name = NameOf(split, request.inline_text());
  ASSIGN_OR_RETURN(const Dialect dialect,
                   ResolveDialect(request.source(), name));
  ASSIGN_OR_RETURN(TableRows rows, TableRows::Make(request, dialect));
  const bool clean = !FindBadByte(text).has_value();
  RecordScanner scanner(dialect, text, /*last=*/true, split.first_line());
  LoadedSplit loaded;
  Record record;
  for (int64_t i = 0; i < split.rows(); ++i) {
    if (i % kRowsBetweenChecks == 0 && context.cancelled()) return CallerLeft();
    if (scanner.Next(&record) != Outcome::kRecord) return WrongRowCount(split);
    const int64_t ordinal = split.first_row() + i;
    if (!Contains(request.row_set(), RoleOfRow(request.row_split(), ordinal)))
      continue;
    ++loaded.wanted;
    std::optional<RowError> bad;
    if (!clean) bad = FindBadByte(record.text);
    const absl::string_view reason =
        bad.has_value() ? "BAD_ROW" : rows.Append(record, ordinal, &bad);
    if (bad.has_value())
      loaded.rejected.push_back(Reject(
          ordinal, reason, AtPlace(name, record, bad->offset, bad->message)));
  }
  if (scanner.Next(&record) != Outcome::kEnd) return WrongRowCount(split);
  loaded.bytes_per_row = rows.bytes_per_row();
  loaded.table = rows.Finish();
  return loaded;
}

absl::StatusOr<pb::ReadRecordsResponse> FindRecords(
    const pb::ReadRecordsRequest& request, absl::string_view text) {
  const pb::Split& split = request.split();
  const std::string& name = NameOf(split, request.inline_text());
  ASSIGN_OR_RETURN(const Dialect dialect,
                   ResolveDialect(request.source(), name));
  RecordScanner scanner(dialect, text, /*last=*/true, split.first_line());
  pb::ReadRecordsResponse response;
  Record record;
  int next = 0;
  for (int64_t ordinal = split.first_row(); next < request.rows_size();
       ++ordinal) {
    if (scanner.Next(&record) != Outcome::kRecord) break;
    if (request.rows(next) != ordinal) continue;
    response.add_records(Readable(record.text));
    response.add_lines(record.line);
    ++next;
  }
  if (next < request.rows_size())
    return BadMessage(absl::StrCat("row ", request.rows(next),
                                   " is not in the split, or the rows do not "
                                   "rise"));
  return response;
}

}  // namespace troupe::loader
