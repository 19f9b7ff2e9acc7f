// RocCounts are how often each score was given to rows of a label and to
// others, or how much those rows weigh: all that ROC AUC needs, and mergeable.
// Exact up to a number of distinct scores, then in bins, with a bound.
//
// Whether scores end in bins depends on all rows together, not on how they were
// divided into batches; nor does a sum of weights, which is kept exact.
//
// Thread safety: as for a plain value.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "troupe/v1/model_evaluation.pb.h"

namespace troupe::model {

struct AreaUnderCurve {
  double value = 0;  // NaN unless both kinds of row are there.
  double error_bound = 0;
};

// One row.
struct ScoredRow {
  double score = 0;       // No NaN.
  bool positive = false;  // Whether it has the label.
  double weight = 1;      // Finite, at least 0.
};

class RocCounts {
 public:
  // At most `limit` distinct scores are kept apart. Unless `weighted`, every
  // row weighs 1.
  RocCounts(int64_t limit, bool weighted)
      : limit_(limit), weighted_(weighted) {}

  void Add(std::vector<ScoredRow> rows);
  // Adds what another one counted under the same limit.
  void Merge(const RocCounts& other);

  AreaUnderCurve Area() const;
  // What all rows weigh.
  double weight() const;

  pb::ScoreCounts ToProto() const;
  // Checks counts from outside. INVALID_ARGUMENT (BAD_PARTIAL).
  static absl::StatusOr<RocCounts> FromProto(const pb::ScoreCounts& proto,
                                             int64_t limit, bool weighted);

 private:
  struct Entry {
    double score;
    double positives;  // Below 2^53 where they are counts.
    double negatives;
  };

  double BinOf(double score) const;
  void Bin();
  int64_t Distinct() const;  // How many scores there are.
  // Joins neighbours of one score, whose sum is kept.
  static void Combine(std::vector<Entry>& entries);

  int64_t limit_;
  bool weighted_;
  bool binned_ = false;
  // Rising scores. Where one stands several times, what it weighs is the sum:
  // mostly one double holds it, and the next one what that rounds off.
  std::vector<Entry> entries_;
};

}  // namespace troupe::model
