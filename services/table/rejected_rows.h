// RejectedRows are the rows that a stage could not process, and why, in
// columns: a batch may consist of nothing else, so a row takes a few bytes, and
// becomes a sentence only where one is read. Rows that are wrong alike share
// the sentence but for their value.
//
// Thread safety: as for a struct: const use from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

class RejectedRows {
 public:
  // Why a row is rejected, in a sentence around its value. `before` and `after`
  // should be the same for many rows; text is UTF-8.
  struct Cause {
    absl::string_view reason;  // UPPER_SNAKE_CASE.
    absl::string_view before;
    absl::string_view value;
    absl::string_view after;
  };
  // Where a row stands in `file`; nowhere known where `line` is 0.
  struct Place {
    int64_t line = 0;
    int64_t column = 0;
  };

  RejectedRows() = default;
  // Of rows of `file`, for their places.
  explicit RejectedRows(absl::string_view file) : file_(file) {}

  void Add(int64_t row, const Cause& cause, Place place = {0, 0});
  // Adds those of `other`, which are of the same file.
  void Append(const RejectedRows& other);

  bool empty() const { return rows_.empty(); }
  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  int64_t row(int64_t i) const { return At(i).row; }
  absl::string_view reason(int64_t i) const;
  // What is wrong, without its place.
  std::string Sentence(int64_t i) const;
  // "FILE:LINE:COLUMN: SENTENCE", or "row ROW, SENTENCE" where the place is
  // not known.
  std::string Message(int64_t i) const;
  pb::RejectedRow ToRow(int64_t i) const;

  // Sorts by row; of those with the same, the order stays.
  void Sort();
  // Those whose row is kept.
  RejectedRows Select(absl::FunctionRef<bool(int64_t row)> kept) const;
  // Gives every row another number.
  void Renumber(absl::FunctionRef<int64_t(int64_t row)> number);

  // The rows must be sorted.
  pb::RejectedRows ToProto() const;
  // BAD_MESSAGE where the columns do not fit together.
  static absl::StatusOr<RejectedRows> FromProto(const pb::RejectedRows& proto);

 private:
  struct Row {
    int64_t row = 0;
    Place place;
    uint32_t cause = 0;
    uint32_t value_bytes = 0;
    uint64_t value_begin = 0;  // In values_.
  };

  const Row& At(int64_t i) const { return rows_[static_cast<size_t>(i)]; }
  absl::string_view ValueOf(const Row& row) const;
  uint32_t CauseNumber(const Cause& cause);

  std::string file_;
  std::vector<Row> rows_;
  std::string values_;
  std::vector<pb::RejectCause> causes_;
  absl::flat_hash_map<std::string, uint32_t> numbers_;  // By content.
};

}  // namespace troupe
