// A TrainingSet is what a backend learns from: the rows of one Fit, divided
// into training and validation, with targets and weights.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "services/model/label_set.h"
#include "services/model/row_spool.h"
#include "troupe/v1/model_artifact.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::model {

// Rows of one role. `targets` are class numbers where classes are learned;
// `weights` is empty when all rows weigh the same.
struct TrainingRows {
  std::unique_ptr<RowSpool> features;
  std::vector<double> targets;
  std::vector<float> weights;

  int64_t rows() const { return static_cast<int64_t>(targets.size()); }
};

struct TrainingSet {
  std::vector<std::string> features;  // Names, in column order.
  TrainingRows train;
  TrainingRows validation;
  LabelSet labels;
  pb::ConstantModel constant;  // Of the training rows.
  std::vector<pb::RejectedRow> rejected;
  std::vector<std::string> warnings;
};

// Completes a set of classes: targets, numbered as they appeared, become places
// in the sorted labels (`order`); rows are counted and their weights added up
// (the constant), then weighed where `balanced`. INVALID_ARGUMENT
// (TARGET_CONSTANT) for fewer than two classes.
absl::Status FinishClasses(const std::string& target_name,
                           const std::vector<int>& order, bool balanced,
                           TrainingSet& set);

// Completes a set of numbers: the constant is their median or mean, weighted
// where rows have weights.
void FinishNumbers(const std::string& target_name, bool median,
                   TrainingSet& set);

}  // namespace troupe::model
