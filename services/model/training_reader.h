// A TrainingReader makes a TrainingSet from the tables of a Fit as they arrive:
// features go to a scratch file, targets and weights stay in memory.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/model/label_set.h"
#include "services/model/model_options.h"
#include "services/model/model_plan.h"
#include "services/model/training_set.h"
#include "services/table/table.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::model {

class TrainingReader {
 public:
  // Checks roles and `expected_rows` against the budget: BAD_SPEC,
  // TRAINING_TOO_LARGE. `plan` and `options` must live as long as the reader.
  static absl::StatusOr<std::unique_ptr<TrainingReader>> Create(
      const ModelPlan& plan, const ModelOptions& options,
      const pb::FitStart& start);

  // Takes one table. A row without a usable target or weight is rejected; a
  // table of another form is an error. TEST rows are passed over.
  absl::Status Add(const Table& table);

  // Sorts labels, weighs classes, and says what cannot be learned:
  // INVALID_ARGUMENT (TOO_FEW_ROWS, TARGET_CONSTANT), RESOURCE_EXHAUSTED
  // (TRAINING_TOO_LARGE) where not the rows but the trees need too much.
  absl::StatusOr<TrainingSet> Finish();

  const std::string& target_name() const { return target_name_; }

 private:
  struct Columns;
  struct Row;

  TrainingReader(const ModelPlan& plan, const ModelOptions& options,
                 Schema schema);
  absl::StatusOr<Columns> Bind(const Table& table) const;
  absl::Status AddRow(const Columns& columns, int64_t i, int64_t ordinal);
  absl::Status ReadRow(const Columns& columns, int64_t i, int64_t ordinal,
                       Row& row);
  // Fills row_. Returns the first infinite column, or -1.
  int CopyFeatures(const Columns& columns, int64_t i);
  absl::Status Reject(int64_t ordinal, absl::string_view reason,
                      std::string message);
  int64_t RowBytes() const;
  absl::Status CheckBudget() const;
  absl::Status CheckHistograms();

  const ModelPlan& plan_;
  const ModelOptions& options_;
  const Schema schema_;
  std::string target_name_;
  bool spools_ = true;  // The baseline looks at targets only.
  LabelCollector labels_;
  std::vector<float> row_;  // Scratch.
  TrainingSet set_;
};

}  // namespace troupe::model
