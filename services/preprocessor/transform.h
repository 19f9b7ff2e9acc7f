// A Transform is one step of a pipeline: impute, one_hot, ... . All of them
// work column by column: each matched column becomes none, one or several
// columns in its place, and perhaps one more at the end.
//
// A Transform says what it needs to know of a column (Needs), learns from the
// statistics (Fit), and makes the thing that does the work (Bind). To add one:
// derive in transforms/NAME.cc, declare its factory in transforms/transforms.h,
// list it in transform.cc.
//
// Thread safety: immutable; const use from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/preprocessor/column_statistics.h"
#include "services/preprocessor/row_rejects.h"
#include "services/table/table.h"
#include "troupe/v1/fitted.pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe::preprocessor {

// What becomes of one column.
struct Outputs {
  Schema in_place;              // Where the column stood.
  std::optional<Field> at_end;  // After all features.
  // Before fitting: how the names of further columns in its place begin.
  std::optional<std::string> unknown_prefix;
  bool at_end_unknown = false;  // Before fitting: `at_end` may not come.
};

// A transform, fitted for one column.
class ColumnTransform {
 public:
  virtual ~ColumnTransform() = default;

  // What Apply makes. Nothing in it is unknown.
  virtual Outputs outputs() const = 0;

  // Turns `column` into the columns of `outputs`, those in place first. What
  // becomes of rows added to `rejects` does not matter.
  virtual std::vector<Column> Apply(Column column,
                                    RowRejects& rejects) const = 0;
};

class Transform {
 public:
  virtual ~Transform() = default;

  // Which columns.
  virtual const pb::Selector& selector() const = 0;
  virtual bool optional() const { return false; }
  // Whether the columns that are *not* selected are the ones to work on.
  virtual bool inverted() const { return false; }

  // Whether finite values can become infinite.
  virtual bool may_overflow() const { return false; }
  // Whether columns of dates and timestamps can be worked on.
  virtual bool takes_times() const { return false; }
  // Whether values are looked at (and so must be finite).
  virtual bool reads_values() const { return true; }
  // Whether rows of finite values can be rejected that the step has learned
  // from, or might have. Before such a step has run, nobody behind it knows
  // which rows to learn from.
  virtual bool may_reject(const Field&) const { return false; }

  // Checks what does not depend on columns. `path` is the step's place, such as
  // `preprocessor.steps[2].clip`; errors are BAD_SPEC.
  virtual absl::Status CheckOptions(absl::string_view path) const;
  // Checks whether a matched column can be worked on.
  virtual absl::Status CheckColumn(const Field& column,
                                   absl::string_view path) const;

  // What Fit wants to know; nothing where there is nothing to learn.
  virtual Needs NeedsOf(const Field& column) const;
  // Rejects rows that cannot be learned from, besides those with infinities.
  virtual void RejectRows(const Field& field, const Column& column,
                          RowRejects& rejects) const;
  // What is certain of the outcome before fitting.
  virtual Outputs Foresee(const Field& column) const = 0;
  // Learns. Warnings are sentences for the user. `path` as above.
  virtual absl::StatusOr<pb::FittedColumn> Fit(
      const Field& column, const Summary& summary, absl::string_view path,
      std::vector<std::string>& warnings) const;
  // Makes what does the work. `fitted` is empty where nothing is to be learned,
  // and hostile: ARTIFACT_CORRUPT where it does not fit.
  virtual absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn& fitted) const = 0;
};

// The key of a step in the pipeline file ("one_hot"); "" where none is set.
std::string StepName(const pb::Step& step);

// Makes the transform of a step. `path` is the step's place
// (`preprocessor.steps[2]`). BAD_SPEC where no step of ours is set.
absl::StatusOr<std::unique_ptr<const Transform>> MakeTransform(
    const pb::Step& step, absl::string_view path);

}  // namespace troupe::preprocessor
