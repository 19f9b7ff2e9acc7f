#include "services/loader/split_loader.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/caller_watch.h"
#include "services/loader/formats/block_scanner.h"
#include "services/loader/formats/record_scanner.h"
#include "services/loader/source_spec.h"
#include "services/loader/split_text.h"
#include "services/loader/table_rows.h"
#include "services/loader/text_place.h"
#include "services/table/row_split.h"

namespace troupe::loader {
namespace {

using Outcome = RecordScanner::Outcome;

absl::Status WrongRowCount(const pb::Split& split) {
  return BadMessage(absl::StrCat("the split's text does not hold ",
                                 split.rows(), " records"));
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

// Appends the rows of one split, in their order: regular ones in batches.
class RowAppender {
 public:
  RowAppender(const std::string& name, pb::TextEncoding encoding,
              RowBatch batch, TableRows* rows, LoadedSplit* loaded)
      : name_(name),
        encoding_(encoding),
        batch_(std::move(batch)),
        rows_(*rows),
        loaded_(*loaded) {}

  void Append(const Record& record, absl::Span<const uint32_t> field_ends,
              int64_t ordinal, bool clean) {
    if (clean && batch_.Add(record, field_ends, ordinal)) {
      if (batch_.full()) Flush();
      return;
    }
    Flush();
    std::optional<RowError> bad;
    if (!clean) bad = FindBadByte(record.text, encoding_);
    if (bad.has_value()) {
      AddReject(record, ordinal, *bad, &loaded_.rejected);
    } else {
      AppendOne(record, ordinal);
    }
  }

  void Flush() {
    if (batch_.rows() == 0) return;
    const uint64_t bad = rows_.Prepare(&batch_);
    size_t begin = 0;
    for (uint64_t rest = bad; rest != 0; rest &= rest - 1) {
      const auto row = static_cast<size_t>(std::countr_zero(rest));
      rows_.AppendPrepared(&batch_, begin, row);
      AppendOne(batch_.record(row), batch_.ordinal(row));
      begin = row + 1;
    }
    rows_.AppendPrepared(&batch_, begin, batch_.rows());
    batch_.Clear();
  }

 private:
  void AppendOne(const Record& record, int64_t ordinal) {
    const std::optional<RowError> bad = rows_.Append(record, ordinal);
    if (rows_.filled())
      CountShortRow(name_, ordinal, record.line, &loaded_.short_rows);
    if (bad.has_value()) AddReject(record, ordinal, *bad, &loaded_.rejected);
  }

  const std::string& name_;
  const pb::TextEncoding encoding_;
  RowBatch batch_;
  TableRows& rows_;
  LoadedSplit& loaded_;
};

// Rows that came together: each column must be named by one of them.
class GroupCheck {
 public:
  GroupCheck(const google::protobuf::RepeatedField<int64_t>& groups,
             const TableRows* rows)
      : groups_(groups), rows_(*rows), in_use_(!groups.empty()) {}

  // A row was given to Append.
  void Next() {
    if (!in_use_) return;
    read_ |= rows_.NoteNamed(&named_);
    if (++row_ < end()) return;
    std::vector<std::string> missing = rows_.NotNamed(named_);
    if (read_ && !missing.empty())
      bad_.push_back({begin_, row_, std::move(missing)});
    begin_ = row_;
    ++group_;
    read_ = false;
    named_.clear();
  }

  // Moves the rows of bad groups from the table to the rejected ones.
  void Apply(int64_t first_row, LoadedSplit* loaded) const {
    if (bad_.empty()) return;
    std::vector<int64_t> kept;
    auto bad = bad_.begin();
    for (int64_t i = 0; i < loaded->table.rows; ++i) {
      const int64_t row = loaded->table.Ordinal(i) - first_row;
      while (bad != bad_.end() && bad->end <= row) ++bad;
      if (bad == bad_.end() || row < bad->begin) {
        kept.push_back(i);
        continue;
      }
      const std::string what = absl::StrCat(
          bad->missing.size() == 1 ? "column " : "columns ",
          absl::StrJoin(bad->missing, ", ",
                        [](std::string* out, const std::string& name) {
                          absl::StrAppend(out, Quoted(name));
                        }),
          bad->missing.size() == 1 ? " is missing" : " are missing");
      loaded->rejected.Add(first_row + row, {"MISSING_COLUMN", what, "", ""});
    }
    loaded->table = loaded->table.Select(kept);
    loaded->rejected.Sort();
  }

 private:
  struct Bad {
    int64_t begin;
    int64_t end;
    std::vector<std::string> missing;
  };
  int64_t end() const { return begin_ + groups_.Get(group_); }

  const google::protobuf::RepeatedField<int64_t>& groups_;
  const TableRows& rows_;
  const bool in_use_;
  int group_ = 0;
  int64_t begin_ = 0;  // Its first row.
  int64_t row_ = 0;
  bool read_ = false;        // One of its rows was an object.
  std::vector<bool> named_;  // By its rows so far.
  std::vector<Bad> bad_;
};

// Groups are of at least one row each, and all rows are in one.
absl::Status CheckGroups(const pb::LoadRequest& request,
                         const Dialect& dialect) {
  if (request.groups().empty()) return absl::OkStatus();
  int64_t rows = 0;
  for (const int64_t group : request.groups()) {
    if (group < 1 || group > request.split().rows() - rows)
      return BadMessage("groups do not divide the rows");
    rows += group;
  }
  if (rows != request.split().rows() || request.has_rows() ||
      dialect.format != pb::JSONL || request.row_set() > pb::ALL_ROWS)
    return BadMessage("groups do not divide the rows of JSON Lines");
  return absl::OkStatus();
}

}  // namespace

void AddReject(const Record& record, int64_t ordinal, const RowError& error,
               RejectedRows* rejected) {
  rejected->Add(ordinal, {error.reason, error.before, error.value, error.after},
                PlaceIn(record, error.offset));
}

void CountShortRow(absl::string_view file, int64_t ordinal, int64_t line,
                   pb::ShortRows* rows) {
  if (rows->count() == 0) {
    rows->set_row(ordinal);
    rows->set_file(std::string(file));
    rows->set_line(line);
  }
  rows->set_count(rows->count() + 1);
}

absl::StatusOr<LoadedSplit> LoadSplit(const pb::LoadRequest& request,
                                      absl::string_view text,
                                      const Context& context, SimdLevel simd) {
  const pb::Split& split = request.split();
  const std::string& name = NameOf(split, request.inline_text());
  ASSIGN_OR_RETURN(const Dialect dialect,
                   ResolveDialect(request.source(), name));
  const int64_t begin = request.has_rows() ? request.rows().begin() : 0;
  const int64_t end = request.has_rows() ? request.rows().end() : split.rows();
  if (begin < 0 || begin > end || end > split.rows())
    return BadMessage(absl::StrCat("rows ", begin, " to ", end,
                                   " of a split of ", split.rows()));
  RETURN_IF_ERROR(CheckGroups(request, dialect));
  ASSIGN_OR_RETURN(TableRows rows, TableRows::Make(request, dialect, simd));
  GroupCheck groups(request.groups(), &rows);
  const bool clean = !FindBadByte(text).has_value();
  BlockScanner scanner(simd,
                       dialect.fields_end_at_delimiters() && clean
                           ? BlockScanner::Fields::kFind
                           : BlockScanner::Fields::kPassOver,
                       dialect, text, /*last=*/true, split.first_line());
  LoadedSplit loaded;
  loaded.rejected = RejectedRows(name);
  RowAppender appender(name, split.encoding(), rows.MakeBatch(text), &rows,
                       &loaded);
  CallerWatch watch(context);
  // A cell takes time also where it takes no text.
  const auto cells = static_cast<size_t>(request.schema().fields_size());
  Record record;
  for (int64_t i = 0; i < end; ++i) {
    if (scanner.Next(&record) != Outcome::kRecord) return WrongRowCount(split);
    if (watch.Left(record.text.size() + cells)) return CallerLeft();
    if (i < begin) continue;
    const int64_t ordinal = split.first_row() + i;
    if (!Contains(request.row_set(), RoleOfRow(request.row_split(), ordinal)))
      continue;
    ++loaded.wanted;
    appender.Append(record, scanner.field_ends(), ordinal, clean);
    groups.Next();
  }
  if (end == split.rows() && scanner.Next(&record) != Outcome::kEnd)
    return WrongRowCount(split);
  appender.Flush();
  loaded.bytes_per_row = rows.bytes_per_row();
  loaded.table = rows.Finish();
  groups.Apply(split.first_row(), &loaded);
  return loaded;
}

absl::StatusOr<pb::ReadRecordsResponse> FindRecords(
    const pb::ReadRecordsRequest& request, absl::string_view text,
    const Context& context) {
  const pb::Split& split = request.split();
  const std::string& name = NameOf(split, request.inline_text());
  ASSIGN_OR_RETURN(const Dialect dialect,
                   ResolveDialect(request.source(), name));
  RecordScanner scanner(dialect, text, /*last=*/true, split.first_line());
  pb::ReadRecordsResponse response;
  CallerWatch watch(context);
  Record record;
  int next = 0;
  for (int64_t ordinal = split.first_row(); next < request.rows_size();
       ++ordinal) {
    if (scanner.Next(&record) != Outcome::kRecord) break;
    if (watch.Left(record.text.size())) return CallerLeft();
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
