// A RejectAccount counts a pass's bad rows, and says when they are too many by
// the job's policy. It is fed in input order, so that its verdict does not
// depend on timing.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "services/table/rejected_rows.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/pipeline.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// Adds short rows that come behind those of `all`.
void AddShortRows(const pb::ShortRows& rows, pb::ShortRows* all);

class RejectAccount {
 public:
  // So many rejected rows are kept for the report.
  static constexpr size_t kShown = 20;

  explicit RejectAccount(const pb::Source& source);

  // Starts from what an earlier run of the job had entered.
  void Restore(int64_t rows_read, int64_t rows_rejected,
               std::vector<pb::RejectedRow> first);

  // Adds a batch's short rows, which are counted only.
  void AddShort(const pb::ShortRows& rows) { AddShortRows(rows, &short_rows_); }

  // Whether bad rows go to the rejects file, rather than end the job.
  bool rejects() const { return rejects_; }

  // Adds one batch: its bad rows, rising. Under the policy `fail` the first of
  // them is the error (BAD_ROW); so is the first short one where those fail.
  // `rows_at_most` is an upper bound of the rows in the whole pass (INT64_MAX
  // where unknown): TOO_MANY_REJECTS as soon as not even that many rows could
  // carry the rejected ones.
  absl::Status Add(int64_t rows_read, const RejectedRows& rejected,
                   int64_t rows_at_most);

  // At the end of the pass: TOO_MANY_REJECTS where there are.
  absl::Status Finish() const;

  int64_t rows_read() const { return rows_read_; }
  int64_t rows_rejected() const { return rows_rejected_; }
  // The first 20.
  const std::vector<pb::RejectedRow>& first() const { return first_; }
  const pb::ShortRows& short_rows() const { return short_rows_; }

 private:
  bool TooMany(int64_t rows) const;
  absl::Status TooManyError() const;

  bool rejects_;
  bool short_rows_fail_;
  double limit_;
  int64_t rows_read_ = 0;
  int64_t rows_rejected_ = 0;
  std::vector<pb::RejectedRow> first_;
  pb::ShortRows short_rows_;
};

}  // namespace troupe
