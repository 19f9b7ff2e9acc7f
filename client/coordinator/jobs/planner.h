// The planner turns a pipeline file into what the coordinator does: a chain of
// hops, and a role for every column of the source.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"
#include "troupe/v1/pipeline.pb.h"
#include "troupe/v1/stage.pb.h"
#include "troupe/v1/table.pb.h"

namespace troupe {

// One hop: consecutive steps that one stage runs, or the model.
struct PlannedHop {
  std::string stage;  // "preprocessor", "model", or a stage of the user's.
  pb::StageParams params;
  int first_step = 0;  // The number of its first step in the spec.

  bool is_model() const { return params.has_model(); }
  bool makes_features() const { return params.preprocessor().makes_features(); }
};

// Checks what no stage checks: name, split, output, max_rejects. BAD_SPEC with
// the field.
absl::Status CheckSpec(const pb::PipelineSpec& spec);

// Checks `output` alone; `field` is its path, such as `output`.
absl::Status CheckOutput(const pb::OutputSpec& output, absl::string_view field);

// Returns the chain: consecutive steps without `stage` are one preprocessor
// hop, a step with `stage` is a hop of its own, and the last hop before the
// model is a preprocessor one that makes the features (with no steps where none
// are left). Without a model the chain ends there.
std::vector<PlannedHop> PlanHops(const pb::PipelineSpec& spec);

// An error of `hop`'s Describe, told in the paths of the pipeline file:
// `preprocessor.steps[0].impute` becomes `steps[2].impute`.
absl::Status InSpecPaths(const absl::Status& status, const PlannedHop& hop);

// Returns the columns that are read, in file order, each with its role; CARRY
// columns as text, whatever they look like. Errors:
// UNKNOWN_COLUMN (metadata `field`, such as `roles.target`), or BAD_SPEC for a
// column with two roles.
absl::StatusOr<pb::Schema> AssignRoles(const pb::Schema& source,
                                       const pb::Roles& roles);

// `schema` without the columns of some roles.
pb::Schema Without(const pb::Schema& schema,
                   const std::vector<pb::ColumnRole>& roles);

// The stored source with what differs in a job: the new path (and format and
// compression by its ending), and every field that `changes` sets, to its
// default, too: lists are replaced, types column by column, each with its time
// format.
pb::Source MergeSource(const pb::Source& stored, const pb::Source& changes);

}  // namespace troupe
