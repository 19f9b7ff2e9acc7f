#include "client/coordinator/jobs/preview.h"

#include <utility>

#include "services/table/wire.h"

namespace troupe {
namespace {

void AppendValue(const Column& column, int64_t row, ColumnBuilder& builder) {
  if (column.IsNull(row)) return builder.AppendNull();
  const auto i = static_cast<size_t>(row);
  switch (column.type()) {
    case pb::BOOL:
      return builder.AppendBool(column.boolean(row));
    case pb::INT64:
    case pb::DATE:
    case pb::TIMESTAMP:
      return builder.AppendInt64(column.int64s()[i]);
    case pb::FLOAT64:
      return builder.AppendDouble(column.doubles()[i]);
    default:
      return builder.AppendText(column.text(row));
  }
}

}  // namespace

void Preview::Add(const Table& table) {
  if (builders_.empty()) {
    schema_ = table.schema;
    first_row_ = table.rows > 0 ? table.Ordinal(0) : 0;
    for (const Field& field : schema_) builders_.emplace_back(field.type);
  }
  if (table.schema != schema_) return;
  for (int64_t row = 0; row < table.rows && !full(); ++row, ++rows_)
    for (size_t i = 0; i < builders_.size(); ++i)
      AppendValue(table.columns[i], row, builders_[i]);
}

absl::StatusOr<std::string> Preview::Finish() {
  if (builders_.empty()) return "";
  Table table;
  table.rows = rows_;
  table.first_row = first_row_;
  table.schema = schema_;
  for (ColumnBuilder& builder : builders_)
    table.columns.push_back(builder.Finish());
  return SerializeTable(std::move(table));
}

}  // namespace troupe
