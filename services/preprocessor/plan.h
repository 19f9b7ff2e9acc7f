// A Plan says what becomes of each column of a table, step by step, given what
// is fitted so far. When everything is fitted it turns batches into features;
// before, it tells what the next pass has to observe.
//
// Every column is fitted as early as it can be: a pass applies what is known,
// and observes each column that meets a step which has still to learn. Columns
// behind such a step wait for the next pass. Other columns do not, unless the
// pass cannot tell yet which rows the steps before them accept: every step
// learns from the rows that every earlier step accepts, and from no other.
//
// Thread safety: immutable; const use from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/host/artifact_cache.h"
#include "services/preprocessor/column_statistics.h"
#include "services/preprocessor/transform.h"
#include "services/table/table.h"
#include "troupe/v1/fitted.pb.h"

namespace troupe::preprocessor {

// What a step does with one column that it finds in the table.
struct ColumnPlan {
  Field field;
  std::unique_ptr<const ColumnTransform> transform;  // Null: passes untouched.
  bool check_finite = false;  // Rows with an infinity are rejected first.
  int observation = -1;       // Observed, then left out: the rest waits for it.
  bool left_out = false;      // Waits for a later pass without being observed.
};

struct StepPlan {
  std::vector<ColumnPlan> columns;  // One per feature that is in the table.
  bool idle = true;                 // All pass untouched.
};

// A column that the pass observes.
struct Observation {
  int step = 0;
  std::string path;  // `preprocessor.steps[2].impute`
  Field field;
  const Transform* transform = nullptr;
  Needs needs;
  pb::QuantileSearch search;  // Where needs.order().
  QuantileLimits limits;
};

// How many passes over the rows are still to come, this plan's own counted.
struct PassesLeft {
  int known = 0;
  bool perhaps_more = false;
};

class Plan : public Artifact {
 public:
  // Checks everything that can be checked, and plans. `known` may be foreign:
  // INVALID_ARGUMENT with the metadata `field` for what a spec can cause, and
  // ARTIFACT_CORRUPT for the rest.
  static absl::StatusOr<std::shared_ptr<const Plan>> Make(
      pb::FittedPreprocessor known);

  // Whether nothing is left to learn.
  bool finished() const { return finished_; }
  bool makes_features() const { return known_.params().makes_features(); }

  // The FEATURE columns that must arrive, in the order in which Run wants them.
  const Schema& input() const { return input_; }
  // The features that leave, as far as they are known.
  const Schema& output() const { return output_; }
  // The most features that are there at once.
  int64_t widest() const { return widest_; }
  const std::vector<StepPlan>& steps() const { return steps_; }
  const std::vector<Observation>& observations() const { return observations_; }

  // Where a pass has at most `rows` rows (0: not known).
  PassesLeft passes_left(int64_t rows) const;

  // What is known: the state of the next pass, or, when finished, the artifact
  // with every selector resolved.
  const pb::FittedPreprocessor& known() const { return known_; }

 private:
  friend class PlanBuilder;
  Plan() = default;

  pb::FittedPreprocessor known_;
  bool finished_ = false;
  Schema input_;
  Schema output_;
  int64_t widest_ = 0;
  std::vector<std::unique_ptr<const Transform>> transforms_;
  std::vector<StepPlan> steps_;
  std::vector<Observation> observations_;
  int passes_ = 0;               // That can be foreseen.
  bool passes_unclear_ = false;  // Too little is known of the steps.
  int64_t ordered_columns_ = 0;  // Whose order statistics are to be found.
  bool narrows_ = false;         // Some had too many values for one pass.
};

}  // namespace troupe::preprocessor
