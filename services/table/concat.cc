#include "services/table/concat.h"

#include <limits>
#include <utility>

#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/column_builder.h"

namespace troupe {
namespace {

absl::Status Differ(absl::string_view what) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_TABLE",
      std::string("tables cannot be joined: ") + std::string(what));
}

void AppendRow(const Column& column, int64_t row, ColumnBuilder& builder) {
  const auto at = static_cast<size_t>(row);
  if (column.IsNull(row))
    builder.AppendNull();
  else if (column.type() == pb::BOOL)
    builder.AppendBool(column.boolean(row));
  else if (column.type() == pb::INT64 || IsTime(column.type()))
    builder.AppendInt64(column.int64s()[at]);
  else if (column.type() == pb::FLOAT64)
    builder.AppendDouble(column.doubles()[at]);
  else
    builder.AppendText(column.text(row));
}

// Texts of dictionaries are written out, and offsets count in int32.
absl::Status CheckText(absl::Span<const Table> tables, size_t index) {
  if (!IsText(tables[0].schema[index].type)) return absl::OkStatus();
  size_t bytes = 0;
  for (const Table& table : tables)
    for (int64_t row = 0; row < table.rows; ++row)
      bytes += table.columns[index].text(row).size();
  return bytes <= std::numeric_limits<int32_t>::max()
             ? absl::OkStatus()
             : Differ("their text is longer than 2 GiB");
}

Column ConcatColumns(absl::Span<const Table> tables, size_t index) {
  ColumnBuilder builder(tables[0].schema[index].type);
  for (const Table& table : tables)
    for (int64_t row = 0; row < table.rows; ++row)
      AppendRow(table.columns[index], row, builder);
  return builder.Finish();
}

absl::Status AddFeatures(absl::Span<const Table> tables, Table& joined) {
  for (const Table& table : tables) {
    if (table.features.has_value() != tables[0].features.has_value())
      return Differ("not all have features");
    if (!table.features.has_value()) continue;
    if (!joined.features.has_value()) {
      joined.features.emplace();
      joined.features->type = table.features->type;
      joined.features->names = table.features->names;
    }
    if (table.features->type != joined.features->type ||
        table.features->names != joined.features->names)
      return Differ("their features differ");
    joined.features->rows += table.features->rows;
    joined.features->values += table.features->values;
  }
  return absl::OkStatus();
}

absl::Status AddOrdinals(absl::Span<const Table> tables, Table& joined) {
  bool consecutive = true;
  for (const Table& table : tables)
    for (int64_t row = 0; row < table.rows; ++row) {
      const int64_t ordinal = table.Ordinal(row);
      if (!joined.row_ids.empty()) {
        if (ordinal <= joined.row_ids.back())
          return Differ("their rows are not in order");
        consecutive = consecutive && ordinal == joined.row_ids.back() + 1;
      }
      joined.row_ids.push_back(ordinal);
    }
  joined.rows = static_cast<int64_t>(joined.row_ids.size());
  joined.first_row =
      joined.row_ids.empty() ? tables[0].first_row : joined.row_ids[0];
  if (consecutive) joined.row_ids.clear();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Table> ConcatTables(absl::Span<const Table> tables) {
  if (tables.empty()) return Differ("there is none");
  Table joined;
  joined.schema = tables[0].schema;
  for (const Table& table : tables)
    if (table.schema != joined.schema) return Differ("their columns differ");
  RETURN_IF_ERROR(AddOrdinals(tables, joined));
  RETURN_IF_ERROR(AddFeatures(tables, joined));
  for (size_t i = 0; i < joined.schema.size(); ++i) {
    RETURN_IF_ERROR(CheckText(tables, i));
    joined.columns.push_back(ConcatColumns(tables, i));
  }
  return joined;
}

}  // namespace troupe
