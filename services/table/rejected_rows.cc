#include "services/table/rejected_rows.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

bool SameCause(const pb::RejectCause& a, const RejectedRows::Cause& b) {
  return a.reason() == b.reason && a.before() == b.before &&
         a.after() == b.after;
}

std::string KeyOf(absl::string_view reason, absl::string_view before,
                  absl::string_view after) {
  const absl::string_view gap("\0", 1);
  return absl::StrCat(reason, gap, before, gap, after);
}

absl::Status BadRejects(absl::string_view what) {
  return BadMessage(absl::StrCat("rejected rows: ", what));
}

absl::Status CheckLengths(const pb::RejectedRows& proto) {
  const int rows = proto.rows_size();
  const auto none_or_all = [rows](int size) {
    return size == 0 || size == rows;
  };
  if (proto.causes_of_rows_size() != rows || proto.value_bytes_size() != rows ||
      !none_or_all(proto.lines_size()) ||
      proto.columns_size() != proto.lines_size())
    return BadRejects("columns of different lengths");
  return absl::OkStatus();
}

// Whether a value may end before `position`.
bool IsCharacterBoundary(absl::string_view text, uint64_t position) {
  return position == text.size() ||
         (static_cast<unsigned char>(text[position]) & 0xC0) != 0x80;
}

}  // namespace

uint32_t RejectedRows::CauseNumber(const Cause& cause) {
  // Rows that follow each other are mostly wrong alike.
  if (!rows_.empty() && SameCause(causes_[rows_.back().cause], cause))
    return rows_.back().cause;
  const auto [found, added] =
      numbers_.try_emplace(KeyOf(cause.reason, cause.before, cause.after),
                           static_cast<uint32_t>(causes_.size()));
  if (added) {
    pb::RejectCause& entry = causes_.emplace_back();
    entry.set_reason(std::string(cause.reason));
    entry.set_before(std::string(cause.before));
    entry.set_after(std::string(cause.after));
  }
  return found->second;
}

void RejectedRows::Add(int64_t row, const Cause& cause, Place place) {
  Row entry;
  entry.row = row;
  entry.place = place;
  entry.cause = CauseNumber(cause);
  entry.value_begin = values_.size();
  entry.value_bytes = static_cast<uint32_t>(cause.value.size());
  absl::StrAppend(&values_, cause.value);
  rows_.push_back(entry);
}

void RejectedRows::Append(const RejectedRows& other) {
  if (file_.empty()) file_ = other.file_;
  rows_.reserve(rows_.size() + other.rows_.size());
  for (const Row& row : other.rows_) {
    const pb::RejectCause& cause = other.causes_[row.cause];
    Add(row.row,
        {cause.reason(), cause.before(), other.ValueOf(row), cause.after()},
        row.place);
  }
}

absl::string_view RejectedRows::ValueOf(const Row& row) const {
  return absl::string_view(values_).substr(row.value_begin, row.value_bytes);
}

absl::string_view RejectedRows::reason(int64_t i) const {
  return causes_[At(i).cause].reason();
}

std::string RejectedRows::Sentence(int64_t i) const {
  const Row& row = At(i);
  const pb::RejectCause& cause = causes_[row.cause];
  return absl::StrCat(cause.before(), ValueOf(row), cause.after());
}

std::string RejectedRows::Message(int64_t i) const {
  const Row& row = At(i);
  const std::string place = row.place.line > 0
                                ? absl::StrCat(file_, ":", row.place.line, ":",
                                               row.place.column, ": ")
                                : absl::StrCat("row ", row.row, ", ");
  return place + Sentence(i);
}

pb::RejectedRow RejectedRows::ToRow(int64_t i) const {
  pb::RejectedRow row;
  row.set_row(At(i).row);
  row.set_reason(std::string(reason(i)));
  row.set_message(Message(i));
  return row;
}

void RejectedRows::Sort() {
  const auto before = [](const Row& a, const Row& b) { return a.row < b.row; };
  if (!std::is_sorted(rows_.begin(), rows_.end(), before))
    std::stable_sort(rows_.begin(), rows_.end(), before);
}

RejectedRows RejectedRows::Select(
    absl::FunctionRef<bool(int64_t row)> kept) const {
  RejectedRows selected = *this;
  std::erase_if(selected.rows_, [&](const Row& row) { return !kept(row.row); });
  return selected;
}

void RejectedRows::Renumber(absl::FunctionRef<int64_t(int64_t row)> number) {
  for (Row& row : rows_) row.row = number(row.row);
}

pb::RejectedRows RejectedRows::ToProto() const {
  pb::RejectedRows proto;
  const int count = static_cast<int>(rows_.size());
  proto.set_file(file_);
  proto.mutable_rows()->Reserve(count);
  proto.mutable_causes_of_rows()->Reserve(count);
  proto.mutable_value_bytes()->Reserve(count);
  const bool placed = std::any_of(rows_.begin(), rows_.end(), [](const Row& r) {
    return r.place.line > 0;
  });
  Row last;
  for (const Row& row : rows_) {
    proto.add_rows(row.row - last.row);
    proto.add_causes_of_rows(row.cause);
    proto.add_value_bytes(row.value_bytes);
    absl::StrAppend(proto.mutable_values(), ValueOf(row));
    if (placed) {
      proto.add_lines(row.place.line - last.place.line);
      proto.add_columns(static_cast<uint32_t>(row.place.column));
    }
    last = row;
  }
  proto.mutable_causes()->Assign(causes_.begin(), causes_.end());
  return proto;
}

absl::StatusOr<RejectedRows> RejectedRows::FromProto(
    const pb::RejectedRows& proto) {
  RETURN_IF_ERROR(CheckLengths(proto));
  RejectedRows result(proto.file());
  result.causes_.assign(proto.causes().begin(), proto.causes().end());
  result.values_ = proto.values();
  result.rows_.reserve(static_cast<size_t>(proto.rows_size()));
  Row last;
  for (int i = 0; i < proto.rows_size(); ++i) {
    Row& row = result.rows_.emplace_back();
    if (proto.rows(i) < 0 || (i > 0 && proto.rows(i) == 0) ||
        proto.rows(i) > std::numeric_limits<int64_t>::max() - last.row)
      return BadRejects("their numbers do not rise");
    row.row = last.row + proto.rows(i);
    row.cause = proto.causes_of_rows(i);
    if (row.cause >= result.causes_.size())
      return BadRejects("a cause that is not given");
    row.value_begin = last.value_begin + last.value_bytes;
    row.value_bytes = proto.value_bytes(i);
    const uint64_t end = row.value_begin + row.value_bytes;
    if (end > result.values_.size() ||
        !IsCharacterBoundary(result.values_, end))
      return BadRejects("values that are not given");
    if (proto.lines_size() > 0) {
      // Wraps around, but no line is a promise.
      row.place.line =
          static_cast<int64_t>(static_cast<uint64_t>(last.place.line) +
                               static_cast<uint64_t>(proto.lines(i)));
      row.place.column = proto.columns(i);
    }
    last = row;
  }
  for (size_t i = 0; i < result.causes_.size(); ++i)
    result.numbers_.emplace(
        KeyOf(result.causes_[i].reason(), result.causes_[i].before(),
              result.causes_[i].after()),
        static_cast<uint32_t>(i));
  return result;
}

}  // namespace troupe
