#include "services/model/constant_model.h"

#include <cmath>
#include <cstdint>

#include "services/base/errors.h"

namespace troupe::model {

absl::Status CheckConstant(const pb::ConstantModel& constant,
                           const Objective& objective, int labels) {
  if (!objective.classifies())
    return std::isfinite(constant.value()) && constant.class_rows_size() == 0
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
  return any ? absl::OkStatus() : ArtifactCorrupt("no label has rows");
}

std::vector<double> ConstantScores(const pb::ConstantModel& constant,
                                   const Objective& objective) {
  if (!objective.classifies()) return {constant.value()};
  const std::vector<double> shares = LabelShares(constant);
  if (objective.task == Task::kBinary) return {shares[1]};
  return shares;
}

std::vector<double> LabelShares(const pb::ConstantModel& constant) {
  double total = 0;
  for (const int64_t rows : constant.class_rows())
    total += static_cast<double>(rows);
  std::vector<double> shares;
  for (const int64_t rows : constant.class_rows())
    shares.push_back(static_cast<double>(rows) / total);
  return shares;
}

}  // namespace troupe::model
