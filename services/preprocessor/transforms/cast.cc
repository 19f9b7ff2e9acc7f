#include <cmath>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/preprocessor/category_index.h"
#include "services/preprocessor/category_key.h"
#include "services/preprocessor/numeric_column.h"
#include "services/preprocessor/transforms/transforms.h"
#include "services/table/column_builder.h"

namespace troupe::preprocessor {
namespace {

// Appends the value in a row as BOOL: words, or 0 and 1.
bool AppendBool(const Column& column, int64_t row, ColumnBuilder& builder) {
  if (column.type() == pb::STRING) {
    std::string key;
    if (!ParseKey(pb::BOOL, column.text(row), &key)) return false;
    builder.AppendBool(key[0] != '\0');
    return true;
  }
  const double value = column.AsDouble(row);
  if (value != 0 && value != 1) return false;
  builder.AppendBool(value == 1);
  return true;
}

// As INT64: whole numbers in range.
bool AppendInt64(const Column& column, int64_t row, ColumnBuilder& builder) {
  if (column.type() == pb::STRING) {
    int64_t whole = 0;
    if (!absl::SimpleAtoi(column.text(row), &whole)) return false;
    builder.AppendInt64(whole);
    return true;
  }
  const double value = column.AsDouble(row);
  if (value != std::floor(value) || value < -0x1p63 || value >= 0x1p63)
    return false;
  builder.AppendInt64(static_cast<int64_t>(value));
  return true;
}

// As FLOAT64. Infinity is for the next step to refuse.
bool AppendDouble(const Column& column, int64_t row, ColumnBuilder& builder) {
  double value = 0;
  if (!absl::SimpleAtod(column.text(row), &value) || std::isnan(value))
    return false;
  builder.AppendDouble(value);
  return true;
}

bool AppendAs(DataType type, const Column& column, int64_t row,
              ColumnBuilder& builder) {
  switch (type) {
    case pb::BOOL:
      return AppendBool(column, row, builder);
    case pb::INT64:
      return AppendInt64(column, row, builder);
    case pb::FLOAT64:
      return AppendDouble(column, row, builder);
    default:
      builder.AppendText(ValueText(column, row));
      return true;
  }
}

class CastColumn : public ColumnTransform {
 public:
  CastColumn(Field column, DataType to) : column_(std::move(column)), to_(to) {}

  Outputs outputs() const override {
    Outputs outputs;
    outputs.in_place = {{column_.name, to_, column_.role}};
    return outputs;
  }
  std::vector<Column> Apply(Column column, RowRejects& rejects) const override {
    std::vector<Column> made;
    if (column.type() == to_) {
      made.push_back(std::move(column));
    } else if (to_ == pb::FLOAT64 && column.type() != pb::STRING) {
      made.push_back(ToDoubles(std::move(column)));
    } else {
      made.push_back(Convert(column, rejects));
    }
    return made;
  }

 private:
  Column Convert(const Column& column, RowRejects& rejects) const {
    ColumnBuilder builder(to_);
    for (int64_t row = 0; row < column.rows(); ++row) {
      if (column.IsNull(row)) {
        builder.AppendNull();
      } else if (!AppendAs(to_, column, row, builder)) {
        rejects.Add(row, "TYPE_MISMATCH", column_.name,
                    absl::StrCat("is not a value of type ", TypeName(to_)),
                    ValueText(column, row));
        builder.AppendNull();
      }
    }
    return builder.Finish();
  }

  const Field column_;
  const DataType to_;
};

class Cast : public Transform {
 public:
  explicit Cast(const pb::Cast& spec) : spec_(spec) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool may_overflow() const override { return true; }
  // Numbers and bools are all numbers, and everything is text.
  bool may_reject(const Field& column) const override {
    return column.type != spec_.to() && spec_.to() != pb::STRING &&
           (spec_.to() != pb::FLOAT64 || column.type == pb::STRING);
  }
  absl::Status CheckOptions(absl::string_view path) const override {
    if (spec_.to() >= pb::BOOL && spec_.to() <= pb::STRING)
      return absl::OkStatus();
    return BadSpec(absl::StrCat(path, ".to"),
                   "say bool, int64, float64 or string");
  }
  Outputs Foresee(const Field& column) const override {
    return CastColumn(column, spec_.to()).outputs();
  }
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn&) const override {
    return std::make_unique<const CastColumn>(column, spec_.to());
  }

 private:
  const pb::Cast spec_;
};

}  // namespace

std::unique_ptr<const Transform> MakeCast(const pb::Step& step) {
  return std::make_unique<Cast>(step.cast());
}

}  // namespace troupe::preprocessor
