#include "services/preprocessor/transforms/renamed_column.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

class Keep : public Transform {
 public:
  explicit Keep(const pb::Keep& spec) : spec_(spec) {}

  bool takes_times() const override { return true; }
  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool reads_values() const override { return false; }
  // What is not kept is removed.
  bool inverted() const override { return true; }
  Outputs Foresee(const Field&) const override { return {}; }
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field&, const pb::FittedColumn&) const override {
    return std::make_unique<const RemovedColumn>();
  }

 private:
  const pb::Keep spec_;
};

}  // namespace

std::unique_ptr<const Transform> MakeKeep(const pb::Step& step) {
  return std::make_unique<Keep>(step.keep());
}

}  // namespace troupe::preprocessor
