#include "services/preprocessor/transforms/renamed_column.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

class Drop : public Transform {
 public:
  explicit Drop(const pb::Drop& spec) : spec_(spec) {}

  bool takes_times() const override { return true; }
  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool reads_values() const override { return false; }
  Outputs Foresee(const Field&) const override { return {}; }
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field&, const pb::FittedColumn&) const override {
    return std::make_unique<const RemovedColumn>();
  }

 private:
  const pb::Drop spec_;
};

}  // namespace

std::unique_ptr<const Transform> MakeDrop(const pb::Step& step) {
  return std::make_unique<Drop>(step.drop());
}

}  // namespace troupe::preprocessor
