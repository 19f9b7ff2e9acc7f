#include "services/table/wire.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/utf8.h"

namespace troupe {
namespace {

int64_t CountBits(const std::string& bits, int64_t rows) {
  int64_t count = 0;
  for (int64_t i = 0; i < rows / 8; ++i)
    count +=
        std::popcount(static_cast<unsigned char>(bits[static_cast<size_t>(i)]));
  if (rows % 8 != 0) {
    const auto last = static_cast<unsigned char>(bits.back());
    count += std::popcount(last & ((1U << (rows % 8)) - 1));
  }
  return count;
}

absl::Status Bad(const Field& field, absl::string_view what) {
  return BadTable(absl::StrCat("column \"", field.name, "\": ", what));
}

// Checks that `offsets` cut `text` into `entries` pieces of whole characters.
absl::Status CheckText(const Field& field, const std::string& offsets,
                       const std::string& text, int64_t entries) {
  if (offsets.size() != (static_cast<size_t>(entries) + 1) * sizeof(int32_t))
    return Bad(field, "offsets of a wrong length");
  const auto* at = reinterpret_cast<const int32_t*>(offsets.data());
  if (at[0] != 0 || text.size() != static_cast<size_t>(at[entries]) ||
      at[entries] < 0)
    return Bad(field, "offsets do not cover the text");
  if (!IsUtf8(text)) return Bad(field, "text is not UTF-8");
  // A token is written as it is, so it must not end the line.
  if (field.type == pb::JSON && text.find_first_of("\r\n") != text.npos)
    return Bad(field, "a JSON value of more than one line");
  for (int64_t i = 0; i < entries; ++i) {
    if (at[i + 1] < at[i]) return Bad(field, "offsets fall");
    // A piece that begins inside a character is not UTF-8 by itself. (Offsets
    // so far rise, so this one is within the text.)
    if (static_cast<size_t>(at[i]) < text.size() &&
        (static_cast<unsigned char>(text[static_cast<size_t>(at[i])]) & 0xc0) ==
            0x80)
      return Bad(field, "an offset is inside a character");
  }
  return absl::OkStatus();
}

}  // namespace

// The only one that sees into a Column.
class TableWire {
 public:
  static void ToProto(Column column, pb::Column* proto) {
    proto->set_null_count(column.null_count_);
    proto->set_validity(std::move(column.validity_));
    proto->set_offsets(std::move(column.offsets_));
    proto->set_values(std::move(column.values_));
    proto->set_dictionary(std::move(column.dictionary_));
    proto->set_dictionary_encoded(column.dictionary_encoded_);
  }

  static absl::StatusOr<Column> FromProto(const Field& field, int64_t rows,
                                          pb::Column* proto) {
    Column column;
    column.type_ = field.type;
    column.rows_ = rows;
    column.null_count_ = proto->null_count();
    column.validity_ = std::move(*proto->mutable_validity());
    column.offsets_ = std::move(*proto->mutable_offsets());
    column.values_ = std::move(*proto->mutable_values());
    column.dictionary_ = std::move(*proto->mutable_dictionary());
    column.dictionary_encoded_ = proto->dictionary_encoded();
    RETURN_IF_ERROR(CheckValidity(field, column));
    RETURN_IF_ERROR(CheckValues(field, column));
    if (field.type == pb::FLOAT64) AlignNaN(column);
    if (IsTime(field.type))
      for (int64_t i = 0; i < rows; ++i)
        if (!column.IsNull(i) &&
            !IsTimeInRange(field.type, column.int64s()[static_cast<size_t>(i)]))
          return Bad(field, "a time out of the years 1 to 9999");
    return column;
  }

 private:
  static absl::Status CheckValidity(const Field& field, const Column& column) {
    if (column.null_count_ < 0 || column.null_count_ > column.rows_)
      return Bad(field, "a null count out of range");
    if (column.null_count_ == 0) {
      if (!column.validity_.empty())
        return Bad(field, "a validity bitmap without nulls");
      return absl::OkStatus();
    }
    if (column.validity_.size() != BitmapBytes(column.rows_))
      return Bad(field, "a validity bitmap of a wrong length");
    if (CountBits(column.validity_, column.rows_) !=
        column.rows_ - column.null_count_)
      return Bad(field, "a validity bitmap that contradicts the null count");
    return absl::OkStatus();
  }

  static absl::Status CheckValues(const Field& field, const Column& column) {
    const auto rows = static_cast<size_t>(column.rows_);
    if (!IsText(field.type)) {
      if (column.dictionary_encoded_ || !column.dictionary_.empty() ||
          !column.offsets_.empty())
        return Bad(field, "text buffers on a column without text");
      const size_t bytes = field.type == pb::BOOL ? BitmapBytes(column.rows_)
                                                  : rows * sizeof(int64_t);
      if (column.values_.size() != bytes)
        return Bad(field, "values of a wrong length");
      return absl::OkStatus();
    }
    if (!column.dictionary_encoded_) {
      if (!column.dictionary_.empty())
        return Bad(field, "a dictionary that nobody refers to");
      return CheckText(field, column.offsets_, column.values_, column.rows_);
    }
    if (column.values_.size() != rows * sizeof(int32_t))
      return Bad(field, "indices of a wrong length");
    if (column.offsets_.size() < sizeof(int32_t) ||
        column.offsets_.size() % sizeof(int32_t) != 0)
      return Bad(field, "offsets of a wrong length");
    const int64_t entries = column.dictionary_size();
    RETURN_IF_ERROR(
        CheckText(field, column.offsets_, column.dictionary_, entries));
    const absl::Span<const int32_t> codes = column.codes();
    for (int64_t i = 0; i < column.rows_; ++i) {
      const int32_t code = codes[static_cast<size_t>(i)];
      if (code >= 0 && code < entries) continue;
      if (code != 0 || !column.IsNull(i))
        return Bad(field, "an index out of range");
    }
    return absl::OkStatus();
  }

  static void ClearNulls(const Column& column, double* values) {
    for (int64_t byte = 0; byte * 8 < column.rows_; ++byte) {
      if (column.validity_[static_cast<size_t>(byte)] == '\xff') continue;
      const int64_t end = std::min(byte * 8 + 8, column.rows_);
      for (int64_t i = byte * 8; i < end; ++i)
        if (column.IsNull(i))
          values[i] = std::numeric_limits<double>::quiet_NaN();
    }
  }

  // Makes NaN and null the same thing.
  static void AlignNaN(Column& column) {
    auto* values = reinterpret_cast<double*>(column.values_.data());
    if (column.null_count_ > 0) ClearNulls(column, values);
    int64_t missing = 0;
    for (int64_t i = 0; i < column.rows_; ++i)
      missing += std::isnan(values[i]) ? 1 : 0;
    if (missing == column.null_count_) return;
    column.null_count_ = missing;
    column.validity_.assign(BitmapBytes(column.rows_), '\0');
    for (int64_t i = 0; i < column.rows_; ++i) {
      if (std::isnan(values[i])) continue;
      char& byte = column.validity_[static_cast<size_t>(i >> 3)];
      byte =
          static_cast<char>(static_cast<unsigned char>(byte) | (1U << (i & 7)));
    }
  }
};

namespace {

absl::StatusOr<DenseMatrix> MatrixFromProto(int64_t rows,
                                            pb::DenseMatrix* proto) {
  if (proto->rows() != rows)
    return BadTable("the feature matrix has another number of rows");
  if (proto->cols() != proto->names_size())
    return BadTable("the feature matrix has another number of names");
  if (proto->type() != pb::FLOAT32 && proto->type() != pb::FLOAT64)
    return BadTable("the feature matrix has no known type");
  const auto width = static_cast<unsigned __int128>(
      proto->type() == pb::FLOAT32 ? sizeof(float) : sizeof(double));
  const unsigned __int128 bytes = width * static_cast<unsigned __int128>(rows) *
                                  static_cast<unsigned __int128>(proto->cols());
  if (bytes != proto->values().size())
    return BadTable("the feature matrix has values of a wrong length");
  DenseMatrix matrix;
  matrix.rows = rows;
  matrix.type = proto->type();
  matrix.names.assign(std::make_move_iterator(proto->mutable_names()->begin()),
                      std::make_move_iterator(proto->mutable_names()->end()));
  matrix.values = std::move(*proto->mutable_values());
  return matrix;
}

absl::Status ReadRowIds(const pb::Table& proto, Table& table) {
  if (proto.first_row() < 0 ||
      proto.first_row() > std::numeric_limits<int64_t>::max() - kMaxTableRows)
    return BadTable("the first row is out of range");
  table.first_row = proto.first_row();
  if (proto.row_ids().empty()) return absl::OkStatus();
  const auto rows = static_cast<size_t>(table.rows);
  if (proto.row_ids().size() != rows * sizeof(int64_t))
    return BadTable("row ids of a wrong length");
  table.row_ids.resize(rows);
  std::memcpy(table.row_ids.data(), proto.row_ids().data(),
              proto.row_ids().size());
  int64_t last = -1;
  for (const int64_t id : table.row_ids) {
    if (id <= last) return BadTable("row ids do not rise");
    last = id;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> SerializeTable(Table table, size_t max_bytes) {
  pb::Table proto;
  proto.set_rows(table.rows);
  proto.set_first_row(table.first_row);
  if (!table.row_ids.empty())
    proto.set_row_ids(table.row_ids.data(),
                      table.row_ids.size() * sizeof(int64_t));
  *proto.mutable_schema() = ToProto(table.schema);
  for (Column& column : table.columns)
    TableWire::ToProto(std::move(column), proto.add_columns());
  if (table.features.has_value()) {
    pb::DenseMatrix* matrix = proto.mutable_features();
    matrix->set_rows(table.features->rows);
    matrix->set_cols(table.features->cols());
    matrix->set_type(table.features->type);
    for (std::string& name : table.features->names)
      matrix->add_names(std::move(name));
    matrix->set_values(std::move(table.features->values));
  }
  return Serialize(proto, max_bytes);
}

absl::StatusOr<Table> ParseTable(const std::string& bytes) {
  pb::Table proto;
  if (!proto.ParseFromString(bytes)) return BadTable("not a table message");
  Table table;
  if (proto.rows() < 0 || proto.rows() > kMaxTableRows)
    return BadTable(absl::StrCat(proto.rows(), " rows; a table has at most ",
                                 kMaxTableRows));
  table.rows = proto.rows();
  RETURN_IF_ERROR(ReadRowIds(proto, table));
  ASSIGN_OR_RETURN(table.schema, FromProto(proto.schema()));
  if (static_cast<size_t>(proto.columns_size()) != table.schema.size())
    return BadTable("columns and fields differ in number");
  table.columns.reserve(table.schema.size());
  for (size_t i = 0; i < table.schema.size(); ++i) {
    ASSIGN_OR_RETURN(
        Column column,
        TableWire::FromProto(table.schema[i], table.rows,
                             proto.mutable_columns(static_cast<int>(i))));
    table.columns.push_back(std::move(column));
  }
  if (proto.has_features()) {
    ASSIGN_OR_RETURN(table.features,
                     MatrixFromProto(table.rows, proto.mutable_features()));
  }
  return table;
}

}  // namespace troupe
