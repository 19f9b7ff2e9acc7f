#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/preprocessor/transforms/renamed_column.h"
#include "services/preprocessor/transforms/transforms.h"
#include "services/table/utf8.h"

namespace troupe::preprocessor {
namespace {

class Rename : public Transform {
 public:
  explicit Rename(const pb::Rename& spec) : spec_(spec) {
    std::vector<std::string> names;
    for (const auto& [from, to] : spec.columns()) names.push_back(from);
    // A protobuf map has no order of its own; errors should.
    std::sort(names.begin(), names.end());
    for (std::string& name : names) selector_.add_names(std::move(name));
  }

  bool takes_times() const override { return true; }
  const pb::Selector& selector() const override { return selector_; }
  bool reads_values() const override { return false; }
  absl::Status CheckOptions(absl::string_view path) const override {
    const std::string field = absl::StrCat(path, ".columns");
    if (spec_.columns().empty()) return BadSpec(field, "no names are given");
    for (const auto& [from, to] : spec_.columns())
      if (to.empty() || !IsUtf8(to))
        return BadSpec(field, absl::StrCat("the new name of \"", from,
                                           "\" is not a name"));
    return absl::OkStatus();
  }
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override {
    if (spec_.columns().contains(column.name)) return absl::OkStatus();
    return BadSpec(absl::StrCat(path, ".columns"),
                   absl::StrCat("column \"", column.name,
                                "\" fits a pattern, and rename takes names"));
  }
  Outputs Foresee(const Field& column) const override {
    Outputs outputs;
    outputs.in_place = {OutputOf(column)};
    return outputs;
  }
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn&) const override {
    return std::make_unique<const RenamedColumn>(OutputOf(column));
  }

 private:
  Field OutputOf(const Field& column) const {
    const auto renamed = spec_.columns().find(column.name);
    return {renamed == spec_.columns().end() ? column.name : renamed->second,
            column.type, column.role};
  }

  const pb::Rename spec_;
  pb::Selector selector_;
};

}  // namespace

std::unique_ptr<const Transform> MakeRename(const pb::Step& step) {
  return std::make_unique<Rename>(step.rename());
}

}  // namespace troupe::preprocessor
