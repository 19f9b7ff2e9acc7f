// The first rows of a table, as text and as JSON.
#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/report_text.h"
#include "client/cli/text_format.h"
#include "services/table/civil_time.h"

namespace troupe {
namespace {

std::string TimeText(const Column& column, int64_t row) {
  std::string text;
  AppendTime(column.type(), column.int64s()[static_cast<size_t>(row)], &text);
  return text;
}

std::string Cell(const Column& column, int64_t row) {
  if (column.IsNull(row)) return "-";
  if (IsTime(column.type())) return TimeText(column, row);
  const auto i = static_cast<size_t>(row);
  switch (column.type()) {
    case pb::BOOL:
      return column.boolean(row) ? "true" : "false";
    case pb::INT64:
      return absl::StrCat(column.int64s()[i]);
    case pb::FLOAT64:
      return absl::StrFormat("%.10g", column.doubles()[i]);
    default:
      return std::string(column.text(row));
  }
}

google::protobuf::Value JsonCell(const Column& column, int64_t row) {
  google::protobuf::Value value;
  const auto i = static_cast<size_t>(row);
  if (column.IsNull(row)) {
    value.set_null_value(google::protobuf::NULL_VALUE);
  } else if (column.type() == pb::BOOL) {
    value.set_bool_value(column.boolean(row));
  } else if (IsTime(column.type())) {
    value.set_string_value(TimeText(column, row));
  } else if (column.type() == pb::FLOAT64) {
    value.set_number_value(column.doubles()[i]);
  } else if (column.type() == pb::INT64) {
    // JSON's numbers are doubles: larger ones would change.
    constexpr int64_t kExact = int64_t{1} << 53;
    const int64_t number = column.int64s()[i];
    if (number >= -kExact && number <= kExact) {
      value.set_number_value(static_cast<double>(number));
    } else {
      value.set_string_value(absl::StrCat(number));
    }
  } else {
    value.set_string_value(std::string(column.text(row)));
  }
  return value;
}

}  // namespace

std::string TableText(const Table& table, const TableStyle& style,
                      size_t max_cell_width) {
  std::string text;
  for (size_t first = 0; first < table.columns.size();) {
    // Of a wide table as many columns as fit, then the next.
    std::vector<std::vector<std::string>> rows(static_cast<size_t>(table.rows) +
                                               1);
    size_t line = 0;
    size_t next = first;
    for (; next < table.columns.size(); ++next) {
      std::vector<std::string> cells = {
          Printable(table.schema[next].name, max_cell_width)};
      for (int64_t row = 0; row < table.rows; ++row)
        cells.push_back(
            Printable(Cell(table.columns[next], row), max_cell_width));
      size_t widest = 0;
      for (const std::string& cell : cells)
        widest = std::max(widest, DisplayWidth(cell));
      line += widest + (next == first ? 0 : 2);
      if (style.width > 0 && line > static_cast<size_t>(style.width) &&
          next > first)
        break;
      for (size_t row = 0; row < cells.size(); ++row)
        rows[row].push_back(std::move(cells[row]));
    }
    absl::StrAppend(&text, first > 0 ? "\n" : "", AlignedTable(rows, style));
    first = next;
  }
  return text;
}

google::protobuf::ListValue TableRows(const Table& table) {
  google::protobuf::ListValue rows;
  for (int64_t row = 0; row < table.rows; ++row) {
    auto& fields = *rows.add_values()->mutable_struct_value()->mutable_fields();
    for (size_t i = 0; i < table.columns.size(); ++i)
      fields[table.schema[i].name] = JsonCell(table.columns[i], row);
  }
  return rows;
}

}  // namespace troupe
