#include "client/coordinator/passes/reject_account.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

constexpr double kDefaultLimit = 0.01;
constexpr size_t kShownInError = 5;
constexpr absl::string_view kShortRow = "SHORT_ROW";

}  // namespace

void AddShortRows(const pb::ShortRows& rows, pb::ShortRows* all) {
  const int64_t count = all->count() + rows.count();
  if (all->count() == 0) *all = rows;
  all->set_count(count);
}

RejectAccount::RejectAccount(const pb::Source& source)
    : rejects_(source.on_bad_row() == pb::REJECT),
      short_rows_fail_(source.csv().on_short_row() == pb::CsvOptions::FAIL),
      limit_(source.has_max_rejects() ? source.max_rejects() : kDefaultLimit) {}

void RejectAccount::Restore(int64_t rows_read, int64_t rows_rejected,
                            std::vector<pb::RejectedRow> first) {
  rows_read_ = rows_read;
  rows_rejected_ = rows_rejected;
  first_ = std::move(first);
}

bool RejectAccount::TooMany(int64_t rows) const {
  return static_cast<double>(rows_rejected_) >
         limit_ * static_cast<double>(rows);
}

absl::Status RejectAccount::Add(int64_t rows_read, const RejectedRows& rejected,
                                int64_t rows_at_most) {
  rows_read_ += rows_read;
  rows_rejected_ += rejected.size();
  for (int64_t i = 0; i < rejected.size() && first_.size() < kShown; ++i)
    first_.push_back(rejected.ToRow(i));
  if (rejected.empty()) return absl::OkStatus();
  for (int64_t i = 0; i < rejected.size(); ++i)
    if (!rejects_ || (short_rows_fail_ && rejected.reason(i) == kShortRow))
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ROW",
                       rejected.Message(i),
                       {{"row", absl::StrCat(rejected.row(i))},
                        {"row_reason", std::string(rejected.reason(i))}});
  return TooMany(rows_at_most) ? TooManyError() : absl::OkStatus();
}

// With the first of them: who meets them should not have to look for the cause.
absl::Status RejectAccount::TooManyError() const {
  std::vector<std::string> messages;
  for (const pb::RejectedRow& row : first_)
    if (messages.size() < kShownInError) messages.push_back(row.message());
  return TooManyRejects(rows_rejected_, rows_read_, limit_, messages);
}

absl::Status RejectAccount::Finish() const {
  return TooMany(rows_read_) ? TooManyError() : absl::OkStatus();
}

}  // namespace troupe
