#include "services/model/training_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/exact_sum.h"

namespace troupe::model {
namespace {

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  const double below = *std::max_element(values.begin(), middle);
  return below + (*middle - below) / 2;
}

// Of the value up to which half of the weight lies; between two, their middle,
// so that a weight stands for so many rows.
double Median(const std::vector<double>& values,
              const std::vector<float>& weights) {
  if (weights.empty()) return Median(values);
  std::vector<size_t> order;
  ExactSum rest;  // Weight above less weight up to here.
  for (size_t i = 0; i < values.size(); ++i) {
    if (weights[i] == 0) continue;
    order.push_back(i);
    rest.Add(weights[i]);
  }
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return values[a] < values[b]; });
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    const double value = values[order[i]];
    rest.AddProduct(-2, weights[order[i]]);
    if (rest.negative()) return value;
    if (rest.Rounded() == 0) return value + (values[order[i + 1]] - value) / 2;
  }
  return values[order.back()];
}

double Mean(const std::vector<double>& values,
            const std::vector<float>& weights) {
  ExactMoments moments;
  if (weights.empty()) moments.Add(values);
  for (size_t i = 0; i < weights.size(); ++i)
    moments.Add(values[i], weights[i]);
  return moments.mean();
}

std::vector<double> WeightPerClass(const TrainingRows& rows, size_t classes) {
  std::vector<ExactSum> sums(classes);
  for (size_t i = 0; i < rows.weights.size(); ++i)
    sums[static_cast<size_t>(rows.targets[i])].Add(rows.weights[i]);
  std::vector<double> weights;
  for (const ExactSum& sum : sums)
    weights.push_back(static_cast<double>(sum.Rounded()));
  return weights;
}

// scikit-learn's formula, over the classes that are there. Validation rows keep
// their weight, as with fit(sample_weight=...).
void Balance(const std::vector<int64_t>& counts, int64_t present,
             TrainingRows& rows) {
  rows.weights.resize(rows.targets.size(), 1.0F);
  for (size_t i = 0; i < rows.weights.size(); ++i) {
    const size_t label = static_cast<size_t>(rows.targets[i]);
    const double balance =
        static_cast<double>(rows.weights.size()) /
        (static_cast<double>(present) * static_cast<double>(counts[label]));
    rows.weights[i] = static_cast<float>(rows.weights[i] * balance);
  }
}

}  // namespace

absl::Status FinishClasses(const std::string& target_name,
                           const std::vector<int>& order, bool balanced,
                           TrainingSet& set) {
  const size_t classes = order.size();
  std::vector<int64_t> counts(classes, 0);
  for (TrainingRows* rows : {&set.train, &set.validation})
    for (double& target : rows->targets)
      target = order[static_cast<size_t>(target)];
  for (const double target : set.train.targets)
    ++counts[static_cast<size_t>(target)];
  int64_t present = 0;
  for (const int64_t count : counts) present += count > 0 ? 1 : 0;
  if (present < 2)
    return MakeError(
        absl::StatusCode::kInvalidArgument, "TARGET_CONSTANT",
        absl::StrCat("target \"", target_name,
                     "\" has only one value in the training rows; there is "
                     "nothing to learn"),
        {{"column", target_name}});
  *set.constant.mutable_class_rows() = {counts.begin(), counts.end()};
  if (!set.train.weights.empty()) {
    const std::vector<double> weights = WeightPerClass(set.train, classes);
    *set.constant.mutable_class_weights() = {weights.begin(), weights.end()};
  }
  std::vector<std::string> missing;
  for (size_t i = 0; i < classes; ++i)
    if (counts[i] == 0) missing.push_back(set.labels.names()[i]);
  if (!missing.empty())
    set.warnings.push_back(absl::StrCat("no training row has the ",
                                        NameLabels(missing),
                                        " of the validation rows"));
  if (balanced) Balance(counts, present, set.train);
  return absl::OkStatus();
}

void FinishNumbers(const std::string& target_name, bool median,
                   TrainingSet& set) {
  const std::vector<double>& targets = set.train.targets;
  const std::vector<float>& weights = set.train.weights;
  set.constant.set_value(median ? Median(targets, weights)
                                : Mean(targets, weights));
  const auto [least, most] =
      std::minmax_element(targets.begin(), targets.end());
  if (*least == *most)
    set.warnings.push_back(
        absl::StrCat("target \"", target_name, "\" is ", *least,
                     " in every training row; there is nothing to learn"));
}

}  // namespace troupe::model
