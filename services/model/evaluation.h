// Evaluation compares a fitted model with the TARGET column: partial sums of
// batches that join to metrics.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_field.h"
#include "proto/pb.h"
#include "services/model/fitted_model.h"
#include "services/table/rejected_rows.h"
#include "services/table/table.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::model {

// One batch's part.
struct Observation {
  int64_t rows = 0;
  RejectedRows rejected;
  std::string partial;
};

// Predicts and compares. Rows whose target is missing or, for regression, no
// number that the objective takes are rejected, and those whose weight is
// missing, negative or infinite. Labels that were not learned count as wrong.
absl::StatusOr<Observation> ObserveEvaluation(const FittedModel& model,
                                              const pb::OutputSpec& output,
                                              Table table);

// Joins partials (hostile) in their order: BAD_PARTIAL for nonsense.
absl::StatusOr<std::string> JoinPartials(
    const FittedModel& model,
    const google::protobuf::RepeatedPtrField<std::string>& partials);

// The metrics of all partials, and sentences for the user.
absl::StatusOr<pb::Evaluation> FinishEvaluation(
    const FittedModel& model,
    const google::protobuf::RepeatedPtrField<std::string>& partials,
    std::vector<std::string>& warnings);

}  // namespace troupe::model
