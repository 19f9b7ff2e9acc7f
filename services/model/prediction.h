// Turns scores into predicted classes and into the columns that leave.
//
// Thread safety: functions without state.
#pragma once

#include <vector>

#include "proto/pb.h"
#include "services/model/fitted_model.h"
#include "services/table/table.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe::model {

// The class of each row: for binary the second from `threshold` on, otherwise
// the first of the largest. `scores` as Backend::Predict gives them.
std::vector<int> PredictedClasses(const std::vector<double>& scores,
                                  const FittedModel& model, double threshold);

// The fields that leave, for the fields that arrive: CARRY, `prediction`, and
// where wanted `probability_LABEL` per label.
Schema OutputSchema(const Schema& input, const FittedModel& model,
                    const pb::OutputSpec& output);

// The columns of OutputSchema; takes the carried ones out of `input`.
Table OutputTable(Table input, const std::vector<double>& scores,
                  const FittedModel& model, const pb::OutputSpec& output);

// The most bytes that a row of `schema` takes, texts that pass through
// excepted.
int64_t BytesPerRow(const Schema& schema);

}  // namespace troupe::model
