#include "services/model/constant_model.h"

#include <cmath>
#include <cstdint>

#include "services/base/errors.h"

namespace troupe::model {
namespace {

absl::Status CheckWeights(const pb::ConstantModel& constant, int labels) {
  if (constant.class_weights_size() == 0) return absl::OkStatus();
  if (constant.class_weights_size() != labels)
    return ArtifactCorrupt("there are not as many weights as labels");
  bool any = false;
  for (const double weight : constant.class_weights()) {
    // More than 2^53 rows of the largest float weigh. NaN fails, too.
    if (!(weight >= 0 && weight < 0x1p200))
      return ArtifactCorrupt("the weight of a label is out of range");
    any = any || weight > 0;
  }
  return any ? absl::OkStatus() : ArtifactCorrupt("no label has weight");
}

}  // namespace

absl::Status CheckConstant(const pb::ConstantModel& constant,
                           const Objective& objective, int labels) {
  if (!objective.classifies())
    return std::isfinite(constant.value()) && constant.class_rows_size() == 0 &&
                   constant.class_weights_size() == 0
               ? absl::OkStatus()
               : ArtifactCorrupt("the constant is not a number");
  if (constant.class_rows_size() != labels)
    return ArtifactCorrupt("there are not as many counts as labels");
  bool any = false;
  for (const int64_t rows : constant.class_rows()) {
    // 2^53 rows are beyond any training, and a double counts no further.
    if (rows < 0 || rows > int64_t{1} << 53)
      return ArtifactCorrupt("a count of rows is out of range");
    any = any || rows > 0;
  }
  if (!any) return ArtifactCorrupt("no label has rows");
  return CheckWeights(constant, labels);
}

std::vector<double> ConstantScores(const pb::ConstantModel& constant,
                                   const Objective& objective) {
  if (!objective.classifies()) return {constant.value()};
  const std::vector<double> shares = LabelShares(constant);
  if (objective.task == Task::kBinary) return {shares[1]};
  return shares;
}

std::vector<double> LabelShares(const pb::ConstantModel& constant) {
  std::vector<double> shares(constant.class_weights().begin(),
                             constant.class_weights().end());
  if (shares.empty())
    shares.assign(constant.class_rows().begin(), constant.class_rows().end());
  double total = 0;
  for (const double share : shares) total += share;
  for (double& share : shares) share /= total;
  return shares;
}

}  // namespace troupe::model
