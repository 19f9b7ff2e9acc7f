// Fitting: partials of a pass are joined, and at its end become fitted columns,
// and so the next plan.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/preprocessor/plan.h"
#include "troupe/v1/fitted.pb.h"

namespace troupe::preprocessor {

// Adds the statistics of the rows that follow to `sum`, one per observation.
absl::Status AddStatistics(const Plan& plan,
                           std::vector<pb::ColumnStatistics> next,
                           std::vector<pb::ColumnStatistics>& sum);

// A partial as bytes: of the pass that `state` (a SHA-256) began.
// INVALID_ARGUMENT (TOO_MANY_CATEGORIES) when it is larger than the contract
// allows.
absl::StatusOr<std::string> SerializePartial(
    const Plan& plan, absl::string_view state,
    std::vector<pb::ColumnStatistics> columns);

// Joins the partials, which may be foreign, in their order, and empties each as
// soon as it is read. BAD_MESSAGE where one is malformed or of another pass.
absl::StatusOr<std::vector<pb::ColumnStatistics>> JoinPartials(
    const Plan& plan, absl::string_view state,
    google::protobuf::RepeatedPtrField<std::string>* partials);

// What is known at the end of the pass. INVALID_ARGUMENT where a column cannot
// be learned from, with the metadata `field`.
absl::StatusOr<pb::FittedPreprocessor> FinishPass(
    const Plan& plan, std::vector<pb::ColumnStatistics> columns,
    std::vector<std::string>& warnings);

}  // namespace troupe::preprocessor
