#include "services/loader/table_rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/cell_types.h"
#include "services/loader/formats/number.h"
#include "services/loader/split_planner.h"
#include "services/loader/text_place.h"

namespace troupe::loader {
namespace {

// Whether the cell is a number that a row can weigh.
bool IsWeight(const Cell& cell, char decimal) {
  double value = 0;
  const char point = cell.kind == Cell::Kind::kNumber ? '.' : decimal;
  return (cell.kind == Cell::Kind::kText || cell.kind == Cell::Kind::kNumber) &&
         ParseDouble(cell.text, point, &value) && value >= 0 &&
         std::isfinite(value);
}

absl::Status CheckSchema(const pb::LoadRequest& request) {
  if (request.source_columns_size() > SplitPlanner::kMaxColumns)
    return BadMessage("too many source_columns");
  for (const pb::Field& field : request.schema().fields())
    if (field.type() < pb::BOOL || field.type() > pb::STRING)
      return BadMessage(absl::StrCat("column \"", field.name(),
                                     "\" has no type that a file can have"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TableRows> TableRows::Make(const pb::LoadRequest& request,
                                          const Dialect& dialect) {
  RETURN_IF_ERROR(CheckSchema(request));
  ASSIGN_OR_RETURN(const Schema schema, FromProto(request.schema()));
  const std::vector<std::string> columns(request.source_columns().begin(),
                                         request.source_columns().end());
  absl::flat_hash_map<absl::string_view, size_t> index;
  for (size_t i = 0; i < columns.size(); ++i) index.emplace(columns[i], i);
  TableRows rows;
  rows.dialect_ = dialect;
  rows.target_required_ = request.target_required();
  rows.missing_ = std::make_unique<MissingWords>(dialect);
  rows.parser_ = MakeRowParser(dialect, *rows.missing_, columns);
  for (const Field& field : schema) {
    const auto found = index.find(field.name);
    if (found != index.end()) {
      rows.wanted_.push_back({found->second, field, ColumnBuilder(field.type)});
    } else if (field.role != pb::TARGET && field.role != pb::WEIGHT) {
      return UnknownColumn(field.name, columns);
    }
  }
  return rows;
}

absl::string_view TableRows::Append(const Record& record, int64_t ordinal,
                                    std::optional<RowError>* error) {
  *error = parser_->Parse(record, &cells_);
  if (error->has_value()) return "BAD_ROW";
  absl::string_view reason = "TYPE_MISMATCH";
  *error = CheckRoles(record, &reason);
  if (error->has_value() || !AppendCells(error)) return reason;
  ordinals_.push_back(ordinal);
  return "";
}

std::optional<RowError> TableRows::CheckRoles(const Record& record,
                                              absl::string_view* reason) const {
  if (!target_required_) return std::nullopt;
  for (const Wanted& wanted : wanted_) {
    const Cell& cell = cells_[wanted.source_column];
    const size_t offset = cell.text.data() == nullptr && cell.offset == 0
                              ? record.text.size()
                              : cell.offset;
    if (wanted.field.role == pb::TARGET && cell.kind == Cell::Kind::kMissing) {
      *reason = "MISSING_TARGET";
      return RowError{offset, absl::StrCat("column ", Quoted(wanted.field.name),
                                           ": the target is missing")};
    }
    if (wanted.field.role == pb::WEIGHT && !IsWeight(cell, dialect_.decimal)) {
      *reason = "BAD_WEIGHT";
      return RowError{offset,
                      absl::StrCat("column ", Quoted(wanted.field.name), ": ",
                                   Quoted(cell.text),
                                   " is no weight; expected a number >= 0")};
    }
  }
  return std::nullopt;
}

bool TableRows::AppendCells(std::optional<RowError>* error) {
  for (size_t i = 0; i < wanted_.size(); ++i) {
    Wanted& wanted = wanted_[i];
    const Cell& cell = cells_[wanted.source_column];
    if (!AppendCell(cell, wanted.field.type, dialect_.decimal,
                    &wanted.builder)) {
      *error = RowError{cell.offset,
                        absl::StrCat("column ", Quoted(wanted.field.name), ": ",
                                     Quoted(cell.text), " is not of type ",
                                     TypeName(wanted.field.type))};
      while (i > 0) wanted_[--i].builder.PopBack();
      return false;
    }
    if (wanted.field.type == pb::STRING)
      wanted.longest_text = std::max(wanted.longest_text, cell.text.size());
  }
  return true;
}

int64_t TableRows::bytes_per_row() const {
  // A bit for what may be missing, and what the values take at most.
  size_t bytes = 1 + wanted_.size() / 8;
  for (const Wanted& wanted : wanted_)
    bytes += wanted.field.type == pb::STRING
                 ? sizeof(int32_t) + wanted.longest_text
             : wanted.field.type == pb::BOOL ? 1
                                             : sizeof(int64_t);
  return static_cast<int64_t>(bytes);
}

Table TableRows::Finish() {
  Table table;
  table.rows = static_cast<int64_t>(ordinals_.size());
  if (!ordinals_.empty()) {
    table.first_row = ordinals_.front();
    const bool gaps = ordinals_.back() - ordinals_.front() + 1 != table.rows;
    if (gaps) table.row_ids = std::move(ordinals_);
  }
  for (Wanted& wanted : wanted_) {
    table.schema.push_back(wanted.field);
    table.columns.push_back(wanted.builder.Finish());
  }
  return table;
}

}  // namespace troupe::loader
