#include "services/table/table.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool Bit(const std::string& bits, int64_t i) {
  return ((static_cast<unsigned char>(bits[static_cast<size_t>(i >> 3)]) >>
           (i & 7)) &
          1) != 0;
}

void SetBit(std::string& bits, int64_t i) {
  char& byte = bits[static_cast<size_t>(i >> 3)];
  byte = static_cast<char>(static_cast<unsigned char>(byte) | (1U << (i & 7)));
}

int32_t OffsetAt(const std::string& offsets, int64_t i) {
  return reinterpret_cast<const int32_t*>(offsets.data())[i];
}

std::string SelectBits(const std::string& bits,
                       absl::Span<const int64_t> rows) {
  std::string out(BitmapBytes(static_cast<int64_t>(rows.size())), '\0');
  for (size_t i = 0; i < rows.size(); ++i)
    if (Bit(bits, rows[i])) SetBit(out, static_cast<int64_t>(i));
  return out;
}

// Fixed-width values of `width` bytes each.
std::string SelectValues(const std::string& values, size_t width,
                         absl::Span<const int64_t> rows) {
  std::string out(rows.size() * width, '\0');
  for (size_t i = 0; i < rows.size(); ++i)
    std::memcpy(&out[i * width], &values[static_cast<size_t>(rows[i]) * width],
                width);
  return out;
}

std::vector<int64_t> Range(int64_t begin, int64_t end) {
  std::vector<int64_t> rows;
  rows.reserve(static_cast<size_t>(end - begin));
  for (int64_t i = begin; i < end; ++i) rows.push_back(i);
  return rows;
}

}  // namespace

absl::string_view TypeName(DataType type) {
  switch (type) {
    case pb::BOOL:
      return "bool";
    case pb::INT64:
      return "int64";
    case pb::FLOAT64:
      return "float64";
    case pb::STRING:
      return "string";
    case pb::JSON:
      return "json";
    case pb::DATE:
      return "date";
    case pb::TIMESTAMP:
      return "timestamp";
    case pb::FLOAT32:
      return "float32";
    default:
      return "unspecified";
  }
}

absl::string_view Column::text(int64_t i) const {
  if (IsNull(i)) return "";
  if (dictionary_encoded_)
    return dictionary_text(codes()[static_cast<size_t>(i)]);
  const int32_t begin = OffsetAt(offsets_, i);
  return absl::string_view(values_).substr(
      static_cast<size_t>(begin),
      static_cast<size_t>(OffsetAt(offsets_, i + 1) - begin));
}

double Column::AsDouble(int64_t i) const {
  if (type_ == pb::FLOAT64) return doubles()[static_cast<size_t>(i)];
  if (IsNull(i)) return kNaN;
  if (type_ == pb::BOOL) return boolean(i) ? 1.0 : 0.0;
  return static_cast<double>(int64s()[static_cast<size_t>(i)]);
}

int64_t Column::dictionary_size() const {
  if (!dictionary_encoded_ || offsets_.empty()) return 0;
  return static_cast<int64_t>(offsets_.size() / sizeof(int32_t)) - 1;
}

absl::string_view Column::dictionary_text(int64_t code) const {
  const int32_t begin = OffsetAt(offsets_, code);
  return absl::string_view(dictionary_)
      .substr(static_cast<size_t>(begin),
              static_cast<size_t>(OffsetAt(offsets_, code + 1) - begin));
}

Column Column::Select(absl::Span<const int64_t> rows) const {
  Column out;
  out.type_ = type_;
  out.rows_ = static_cast<int64_t>(rows.size());
  if (null_count_ > 0) {
    for (const int64_t row : rows) out.null_count_ += IsNull(row) ? 1 : 0;
    if (out.null_count_ > 0) out.validity_ = SelectBits(validity_, rows);
  }
  if (type_ == pb::BOOL) {
    out.values_ = SelectBits(values_, rows);
  } else if (!IsText(type_)) {
    out.values_ = SelectValues(values_, sizeof(int64_t), rows);
  } else if (dictionary_encoded_) {
    out.dictionary_encoded_ = true;
    out.values_ = SelectValues(values_, sizeof(int32_t), rows);
    out.offsets_ = offsets_;
    out.dictionary_ = dictionary_;
  } else {
    std::vector<int32_t> offsets = {0};
    offsets.reserve(rows.size() + 1);
    for (const int64_t row : rows) {
      const absl::string_view value = text(row);
      out.values_.append(value.data(), value.size());
      offsets.push_back(static_cast<int32_t>(out.values_.size()));
    }
    out.offsets_.assign(reinterpret_cast<const char*>(offsets.data()),
                        offsets.size() * sizeof(int32_t));
  }
  return out;
}

Column Column::Slice(int64_t begin, int64_t end) const {
  if (begin == 0 && end == rows_) return *this;
  return Select(Range(begin, end));
}

Column Column::FromDoubles(std::vector<double> values) {
  Column out;
  out.type_ = pb::FLOAT64;
  out.rows_ = static_cast<int64_t>(values.size());
  for (const double value : values)
    out.null_count_ += std::isnan(value) ? 1 : 0;
  if (out.null_count_ > 0) {
    out.validity_.assign(BitmapBytes(out.rows_), '\0');
    for (int64_t i = 0; i < out.rows_; ++i)
      if (!std::isnan(values[static_cast<size_t>(i)])) SetBit(out.validity_, i);
  }
  out.values_.assign(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(double));
  return out;
}

Column Column::FromBuffers(DataType type, int64_t rows, int64_t null_count,
                           std::string validity, std::string offsets,
                           std::string values, std::string dictionary,
                           bool dictionary_encoded) {
  Column out;
  out.type_ = type;
  out.rows_ = rows;
  out.null_count_ = null_count;
  out.validity_ = std::move(validity);
  out.offsets_ = std::move(offsets);
  out.values_ = std::move(values);
  out.dictionary_ = std::move(dictionary);
  out.dictionary_encoded_ = dictionary_encoded;
  return out;
}

pb::Schema ToProto(const Schema& schema) {
  pb::Schema proto;
  for (const Field& field : schema) {
    pb::Field* added = proto.add_fields();
    added->set_name(field.name);
    added->set_type(field.type);
    added->set_role(field.role);
  }
  return proto;
}

absl::StatusOr<Schema> FromProto(const pb::Schema& proto) {
  Schema schema;
  schema.reserve(static_cast<size_t>(proto.fields_size()));
  absl::flat_hash_set<absl::string_view> names;
  for (const pb::Field& field : proto.fields()) {
    if (!names.insert(field.name()).second)
      return BadTable(
          absl::StrCat("two columns are named \"", field.name(), "\""));
    const bool json = field.type() == pb::JSON &&
                      (field.role() == pb::CARRY || field.role() == pb::OUTPUT);
    if (!json && !IsFileType(field.type()))
      return BadTable(
          absl::StrCat("column \"", field.name(), "\" has no known type"));
    if (field.role() < 0 || field.role() > pb::TARGET_TEXT)
      return BadTable(
          absl::StrCat("column \"", field.name(), "\" has no known role"));
    schema.push_back({field.name(), field.type(),
                      field.role() == pb::COLUMN_ROLE_UNSPECIFIED
                          ? pb::FEATURE
                          : field.role()});
  }
  return schema;
}

int FindField(const Schema& schema, absl::string_view name) {
  for (size_t i = 0; i < schema.size(); ++i)
    if (schema[i].name == name) return static_cast<int>(i);
  return -1;
}

int FindRole(const Schema& schema, ColumnRole role) {
  for (size_t i = 0; i < schema.size(); ++i)
    if (schema[i].role == role) return static_cast<int>(i);
  return -1;
}

Table Table::Select(absl::Span<const int64_t> wanted) const {
  Table out;
  out.rows = static_cast<int64_t>(wanted.size());
  out.schema = schema;
  out.row_ids.reserve(wanted.size());
  for (const int64_t row : wanted) out.row_ids.push_back(Ordinal(row));
  out.columns.reserve(columns.size());
  for (const Column& column : columns)
    out.columns.push_back(column.Select(wanted));
  if (features.has_value()) {
    const size_t width =
        features->names.size() *
        (features->type == pb::FLOAT32 ? sizeof(float) : sizeof(double));
    out.features = DenseMatrix{out.rows, features->type, features->names,
                               SelectValues(features->values, width, wanted)};
  }
  return out;
}

Table Table::Slice(int64_t begin, int64_t end) const {
  if (begin == 0 && end == rows) return *this;
  Table out = Select(Range(begin, end));
  if (row_ids.empty()) {
    out.row_ids.clear();
    out.first_row = first_row + begin;
  }
  return out;
}

}  // namespace troupe
