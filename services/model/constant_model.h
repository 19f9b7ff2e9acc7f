// What the constant model predicts, and whether one that was read can be
// trusted.
//
// Thread safety: functions without state.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "services/model/objective.h"
#include "troupe/v1/model_artifact.pb.h"

namespace troupe::model {

// Checks a ConstantModel from outside against the number of labels.
// ARTIFACT_CORRUPT.
absl::Status CheckConstant(const pb::ConstantModel& constant,
                           const Objective& objective, int labels);

// The scores of every row, in the form of Backend::Predict.
std::vector<double> ConstantScores(const pb::ConstantModel& constant,
                                   const Objective& objective);

// The share of the training rows per label; of their weight where they have
// weights.
std::vector<double> LabelShares(const pb::ConstantModel& constant);

}  // namespace troupe::model
