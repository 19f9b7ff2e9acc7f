#include "services/preprocessor/transforms/filled_column.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/preprocessor/category_key.h"
#include "services/preprocessor/numeric_column.h"

namespace troupe::preprocessor {
namespace {

Column FillDoubles(Column column, double fill) {
  const int64_t rows = column.rows();
  std::string buffer = column.TakeValues();
  auto* const values = reinterpret_cast<double*>(buffer.data());
  for (int64_t i = 0; i < rows; ++i)
    values[i] = std::isnan(values[i]) ? fill : values[i];
  return DenseDoubles(std::move(buffer), rows);
}

Column FillInt64s(Column column, int64_t fill) {
  std::string buffer(reinterpret_cast<const char*>(column.int64s().data()),
                     column.int64s().size() * sizeof(int64_t));
  auto* const values = reinterpret_cast<int64_t*>(buffer.data());
  for (int64_t i = 0; i < column.rows(); ++i)
    if (column.IsNull(i)) values[i] = fill;
  return Column::FromBuffers(pb::INT64, column.rows(), 0, "", "",
                             std::move(buffer));
}

Column FillBools(const Column& column, bool fill) {
  std::string bits(static_cast<size_t>((column.rows() + 7) / 8), '\0');
  for (int64_t i = 0; i < column.rows(); ++i) {
    if (!(column.IsNull(i) ? fill : column.boolean(i))) continue;
    char& byte = bits[static_cast<size_t>(i >> 3)];
    byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << (i & 7));
  }
  return Column::FromBuffers(pb::BOOL, column.rows(), 0, "", "",
                             std::move(bits));
}

Column MissingIndicator(const Column& column) {
  std::string buffer(static_cast<size_t>(column.rows()) * sizeof(double), '\0');
  auto* const values = reinterpret_cast<double*>(buffer.data());
  for (int64_t i = 0; i < column.rows(); ++i)
    values[i] = column.IsNull(i) ? 1 : 0;
  return DenseDoubles(std::move(buffer), column.rows());
}

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(T));
}

}  // namespace

Field IndicatorOf(const Field& column) {
  return {absl::StrCat("missingindicator_", column.name), pb::FLOAT64,
          column.role};
}

FilledColumn::FilledColumn(Field column, Field output, std::string key,
                           bool indicator)
    : column_(std::move(column)),
      output_(std::move(output)),
      key_(std::move(key)),
      indicator_(indicator) {}

Outputs FilledColumn::outputs() const {
  Outputs outputs;
  outputs.in_place = {output_};
  if (indicator_) outputs.at_end = IndicatorOf(column_);
  return outputs;
}

std::vector<Column> FilledColumn::Apply(Column column, RowRejects&) const {
  std::vector<Column> made;
  made.reserve(2);
  Column indicator;
  if (indicator_) indicator = MissingIndicator(column);
  made.push_back(Fill(std::move(column)));
  if (indicator_) made.push_back(std::move(indicator));
  return made;
}

Column FilledColumn::Fill(Column column) const {
  if (output_.type == pb::FLOAT64) column = ToDoubles(std::move(column));
  if (column.null_count() == 0) return column;
  switch (output_.type) {
    case pb::FLOAT64:
      return FillDoubles(std::move(column), DoubleOfKey(key_));
    case pb::INT64:
      return FillInt64s(std::move(column), Int64OfKey(key_));
    case pb::BOOL:
      return FillBools(column, key_[0] != '\0');
    default:
      return FillText(column);
  }
}

// The filling is one more entry of a dictionary, so that a long one costs its
// length once. Text without a dictionary becomes one with an entry per row.
Column FilledColumn::FillText(const Column& column) const {
  const bool coded = column.dictionary_encoded();
  const int64_t entries = coded ? column.dictionary_size() : column.rows();
  std::string text;
  std::vector<int32_t> offsets = {0};
  offsets.reserve(static_cast<size_t>(entries) + 2);
  for (int64_t i = 0; i <= entries; ++i) {
    const absl::string_view entry = i == entries ? absl::string_view(key_)
                                    : coded      ? column.dictionary_text(i)
                                                 : column.text(i);
    text.append(entry.data(), entry.size());
    offsets.push_back(static_cast<int32_t>(text.size()));
  }
  std::vector<int32_t> codes(static_cast<size_t>(column.rows()));
  for (int64_t i = 0; i < column.rows(); ++i) {
    const auto row = static_cast<size_t>(i);
    codes[row] = column.IsNull(i) ? static_cast<int32_t>(entries)
                 : coded          ? column.codes()[row]
                                  : static_cast<int32_t>(i);
  }
  return Column::FromBuffers(pb::STRING, column.rows(), 0, "", BytesOf(offsets),
                             BytesOf(codes), std::move(text), true);
}

}  // namespace troupe::preprocessor
