// Columns and tables in one line, for tests.
#pragma once

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "services/table/column_builder.h"
#include "services/table/table.h"

namespace troupe::preprocessor {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline Column Doubles(std::vector<double> values) {
  return Column::FromDoubles(std::move(values));
}
inline Column Int64s(const std::vector<std::optional<int64_t>>& values) {
  ColumnBuilder builder(pb::INT64);
  for (const auto& value : values)
    value.has_value() ? builder.AppendInt64(*value) : builder.AppendNull();
  return builder.Finish();
}
// Dates or timestamps.
inline Column Times(pb::DataType type,
                    const std::vector<std::optional<int64_t>>& values) {
  ColumnBuilder builder(type);
  for (const auto& value : values)
    value.has_value() ? builder.AppendInt64(*value) : builder.AppendNull();
  return builder.Finish();
}
inline Column Bools(const std::vector<std::optional<bool>>& values) {
  ColumnBuilder builder(pb::BOOL);
  for (const auto& value : values)
    value.has_value() ? builder.AppendBool(*value) : builder.AppendNull();
  return builder.Finish();
}
inline Column Texts(const std::vector<std::optional<std::string>>& values) {
  ColumnBuilder builder(pb::STRING);
  for (const auto& value : values)
    value.has_value() ? builder.AppendText(*value) : builder.AppendNull();
  return builder.Finish();
}

// A column's values as numbers; NaN for missing.
inline std::vector<double> Numbers(const Column& column) {
  std::vector<double> values;
  for (int64_t i = 0; i < column.rows(); ++i)
    values.push_back(column.AsDouble(i));
  return values;
}
inline std::vector<std::string> Words(const Column& column) {
  std::vector<std::string> values;
  for (int64_t i = 0; i < column.rows(); ++i)
    values.push_back(column.IsNull(i) ? "~" : std::string(column.text(i)));
  return values;
}
inline std::vector<std::string> Names(const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema) names.push_back(field.name);
  return names;
}

}  // namespace troupe::preprocessor
