#include <cmath>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/preprocessor/category_key.h"
#include "services/preprocessor/numeric_column.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

class Log1pColumn : public ColumnTransform {
 public:
  explicit Log1pColumn(Field column) : column_(std::move(column)) {}

  Outputs outputs() const override {
    Outputs outputs;
    outputs.in_place = {{column_.name, pb::FLOAT64, column_.role}};
    return outputs;
  }
  std::vector<Column> Apply(Column column, RowRejects& rejects) const override {
    int64_t row = 0;
    std::vector<Column> made;
    made.push_back(MapDoubles(std::move(column), [&](double x) {
      if (x <= -1) {
        rejects.Add(row, "OUT_OF_DOMAIN", column_.name,
                    "is not above -1, so log1p has no value", PythonFloat(x));
        x = 0;
      }
      ++row;
      return std::log1p(x);
    }));
    return made;
  }

 private:
  const Field column_;
};

class Log1p : public Transform {
 public:
  explicit Log1p(const pb::Log1p& spec) : spec_(spec) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool may_reject(const Field&) const override { return true; }
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override {
    if (IsNumber(column.type)) return absl::OkStatus();
    return BadSpec(
        absl::StrCat(path, ".columns"),
        absl::StrCat("column \"", column.name, "\" is ", TypeName(column.type),
                     ", and log1p works on numbers"));
  }
  Outputs Foresee(const Field& column) const override {
    return Log1pColumn(column).outputs();
  }
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn&) const override {
    return std::make_unique<const Log1pColumn>(column);
  }

 private:
  const pb::Log1p spec_;
};

}  // namespace

std::unique_ptr<const Transform> MakeLog1p(const pb::Step& step) {
  return std::make_unique<Log1p>(step.log1p());
}

}  // namespace troupe::preprocessor
