#include "client/coordinator/reject_account.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

constexpr double kDefaultLimit = 0.01;

}  // namespace

RejectAccount::RejectAccount(const pb::Source& source)
    : rejects_(source.on_bad_row() == pb::REJECT),
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

absl::Status RejectAccount::Add(int64_t rows_read,
                                const std::vector<pb::RejectedRow>& rejected,
                                int64_t rows_at_most) {
  rows_read_ += rows_read;
  rows_rejected_ += static_cast<int64_t>(rejected.size());
  for (const pb::RejectedRow& row : rejected)
    if (first_.size() < kShown) first_.push_back(row);
  if (rejected.empty()) return absl::OkStatus();
  if (!rejects_) {
    const pb::RejectedRow& row = rejected.front();
    return MakeError(
        absl::StatusCode::kInvalidArgument, "BAD_ROW", row.message(),
        {{"row", absl::StrCat(row.row())}, {"row_reason", row.reason()}});
  }
  if (TooMany(rows_at_most))
    return TooManyRejects(rows_rejected_, rows_read_, limit_);
  return absl::OkStatus();
}

absl::Status RejectAccount::Finish() const {
  return TooMany(rows_read_)
             ? TooManyRejects(rows_rejected_, rows_read_, limit_)
             : absl::OkStatus();
}

}  // namespace troupe
