#include "services/loader/table_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/cell_types.h"
#include "services/loader/formats/number.h"
#include "services/loader/formats/plain_numbers.h"
#include "services/loader/source_spec.h"
#include "services/loader/split_planner.h"
#include "services/loader/text_place.h"

namespace troupe::loader {
namespace {

using Value = CellReader::Value;

// Whether the cell is a number that a row can weigh.
bool IsWeight(const Cell& cell, const CellReader& reader) {
  double value = 0;
  return reader.ToDouble(cell, &value) == Value::kGiven && value >= 0 &&
         std::isfinite(value);
}

// `schema`, whose CARRY columns come as they were written.
pb::Schema WithTextToCarry(pb::Schema schema, const Dialect& dialect) {
  for (pb::Field& field : *schema.mutable_fields())
    if (field.role() == pb::CARRY)
      field.set_type(dialect.format == pb::JSONL ? pb::JSON : pb::STRING);
  return schema;
}

absl::Status CheckSchema(const pb::LoadRequest& request) {
  if (request.source_columns_size() > SplitPlanner::kMaxColumns)
    return BadMessage("too many source_columns");
  // One more for the text of the target.
  if (request.schema().fields_size() > SplitPlanner::kMaxColumns + 1)
    return BadMessage("too many fields in the schema");
  // Each cell takes nine bytes, also those that a short row lacks.
  constexpr int64_t kMaxCells = (int64_t{1} << 30) / 9;
  const int64_t rows = request.has_rows()
                           ? request.rows().end() - request.rows().begin()
                           : request.split().rows();
  if (request.schema().fields_size() > 0 &&
      rows > kMaxCells / request.schema().fields_size())
    return BadMessage(absl::StrCat(
        rows, " rows of ", request.schema().fields_size(),
        " columns are too large a table; ask for fewer of the split's rows"));
  for (const pb::Field& field : request.schema().fields())
    if (field.role() != pb::CARRY && !IsFileType(field.type()))
      return BadMessage(absl::StrCat("column \"", field.name(),
                                     "\" has no type that a file can have"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TableRows> TableRows::Make(const pb::LoadRequest& request,
                                          const Dialect& dialect,
                                          SimdLevel simd) {
  RETURN_IF_ERROR(CheckSchema(request));
  ASSIGN_OR_RETURN(const Schema schema,
                   FromProto(WithTextToCarry(request.schema(), dialect)));
  const std::vector<std::string> columns(request.source_columns().begin(),
                                         request.source_columns().end());
  absl::flat_hash_map<absl::string_view, size_t> index;
  for (size_t i = 0; i < columns.size(); ++i) index.emplace(columns[i], i);
  TableRows rows;
  rows.simd_ = simd;
  rows.dialect_ = std::make_unique<const Dialect>(dialect);
  rows.columns_ = columns.size();
  rows.target_required_ = request.target_required();
  rows.missing_ = std::make_unique<MissingWords>(dialect);
  rows.reader_.emplace(*rows.dialect_, *rows.missing_);
  const int target = FindRole(schema, pb::TARGET);
  for (const Field& field : schema) {
    const bool text_of_target = field.role == pb::TARGET_TEXT && target >= 0;
    const auto found = index.find(
        text_of_target ? schema[static_cast<size_t>(target)].name : field.name);
    if (found != index.end()) {
      rows.wanted_.push_back({found->second,
                              field,
                              ColumnBuilder(field.type),
                              0,
                              0,
                              0,
                              {},
                              {},
                              {}});
      Wanted& wanted = rows.wanted_.back();
      if (field.type == pb::FLOAT64) wanted.doubles.resize(RowBatch::kMaxRows);
      if (field.type == pb::INT64 || IsTime(field.type))
        wanted.int64s.resize(RowBatch::kMaxRows);
      if (IsTime(field.type)) {
        ASSIGN_OR_RETURN(wanted.format,
                         TimeFormatOf(request.source(), field.name));
      }
    } else if (field.role != pb::TARGET && field.role != pb::WEIGHT &&
               field.role != pb::TARGET_TEXT) {
      return UnknownColumn(field.name, columns);
    }
  }
  std::vector<bool> verbatim(columns.size());
  for (const Wanted& wanted : rows.wanted_)
    verbatim[wanted.source_column] = wanted.field.role == pb::CARRY;
  rows.parser_ =
      MakeRowParser(dialect, *rows.missing_, columns, std::move(verbatim));
  return rows;
}

std::optional<RowError> TableRows::Append(const Record& record,
                                          int64_t ordinal) {
  std::optional<RowError> error = parser_->Parse(record, &cells_);
  parsed_ = !error.has_value();
  if (!error.has_value()) error = CheckRoles(record);
  if (!error.has_value()) error = AppendCells();
  if (!error.has_value()) ordinals_.push_back(ordinal);
  return error;
}

bool TableRows::NoteNamed(std::vector<bool>* named) const {
  named->resize(wanted_.size());
  for (size_t i = 0; parsed_ && i < wanted_.size(); ++i)
    if (cells_[wanted_[i].source_column].text.data() != nullptr)
      (*named)[i] = true;
  return parsed_;
}

std::vector<std::string> TableRows::NotNamed(
    const std::vector<bool>& named) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < wanted_.size(); ++i)
    if (i >= named.size() || !named[i]) names.push_back(wanted_[i].field.name);
  return names;
}

std::optional<RowError> TableRows::CheckRoles(const Record& record) const {
  if (!target_required_) return std::nullopt;
  for (const Wanted& wanted : wanted_) {
    const Cell& cell = cells_[wanted.source_column];
    const size_t offset = cell.text.data() == nullptr && cell.offset == 0
                              ? record.text.size()
                              : cell.offset;
    if (wanted.field.role == pb::TARGET &&
        reader_->IsMissing(cell, wanted.field.type))
      return RowError{offset,
                      absl::StrCat("column ", Quoted(wanted.field.name),
                                   ": the target is missing"),
                      "", "", "MISSING_TARGET"};
    if (wanted.field.role == pb::WEIGHT && !IsWeight(cell, *reader_))
      return RowError{offset,
                      absl::StrCat("column ", Quoted(wanted.field.name), ": "),
                      Quoted(cell.text),
                      " is no weight; expected a number >= 0", "BAD_WEIGHT"};
  }
  return std::nullopt;
}

std::optional<RowError> TableRows::AppendCells() {
  for (size_t i = 0; i < wanted_.size(); ++i) {
    Wanted& wanted = wanted_[i];
    const Cell& cell = cells_[wanted.source_column];
    if (wanted.field.role == pb::CARRY) {
      AppendAsWritten(cell, &wanted.builder);
    } else if (!reader_->Append(cell, wanted.field.type, FormatOf(wanted),
                                &wanted.builder)) {
      while (i > 0) wanted_[--i].builder.PopBack();
      if (cell.kind == Cell::Kind::kNested)
        return RowError{
            cell.offset,
            absl::StrCat("column ", Quoted(wanted.field.name), " holds ",
                         cell.text.front() == '{' ? "an object" : "an array",
                         "; only single values can be read")};
      return RowError{
          cell.offset, absl::StrCat("column ", Quoted(wanted.field.name), ": "),
          Quoted(cell.text),
          absl::StrCat(" is not of type ", TypeName(wanted.field.type)),
          "TYPE_MISMATCH"};
    }
    if (IsText(wanted.field.type))
      wanted.longest_text = std::max(wanted.longest_text, cell.text.size());
  }
  return std::nullopt;
}

RowBatch TableRows::MakeBatch(absl::string_view text) const {
  return RowBatch(*dialect_, *missing_, text, columns_);
}

uint64_t TableRows::Prepare(RowBatch* batch) {
  uint64_t bad = 0;
  for (Wanted& wanted : wanted_) {
    switch (wanted.field.type) {
      case pb::FLOAT64:
        bad |= PrepareDoubles(batch, &wanted);
        break;
      case pb::INT64:
        bad |= PrepareInt64s(batch, &wanted);
        break;
      case pb::DATE:
      case pb::TIMESTAMP:
        bad |= PrepareTimes(batch, &wanted);
        break;
      case pb::BOOL:
        bad |= PrepareBools(batch, &wanted);
        break;
      default:
        break;  // Text is always good; it is read when it is appended.
    }
    if (target_required_) bad |= CheckRoleOf(batch, wanted);
  }
  return bad;
}

// Words that are numbers stand for values, which the plain ones may be.
template <typename Number>
void TableRows::DropMissing(const std::vector<Number>& numbers,
                            uint64_t* valid) const {
  if (!missing_->has_numbers()) return;
  for (uint64_t rest = *valid; rest != 0; rest &= rest - 1)
    if (missing_->ContainsNumber(
            numbers[static_cast<size_t>(std::countr_zero(rest))]))
      *valid &= ~(rest & (0 - rest));
}

template <typename Read>
uint64_t TableRows::ReadEach(uint64_t rows, RowBatch* batch, Wanted* wanted,
                             Read read) {
  uint64_t bad = 0;
  for (; rows != 0; rows &= rows - 1) {
    const auto row = static_cast<size_t>(std::countr_zero(rows));
    const Value value = read(batch->At(row, wanted->source_column), row);
    if (value == Value::kGiven) wanted->valid |= uint64_t{1} << row;
    if (value == Value::kUnfit) bad |= uint64_t{1} << row;
  }
  return bad;
}

uint64_t TableRows::PrepareDoubles(RowBatch* batch, Wanted* wanted) const {
  wanted->valid = ReadPlainDoubles(simd_, batch->Cells(wanted->source_column),
                                   dialect_->decimal, wanted->doubles.data());
  const uint64_t rest = batch->all() & ~wanted->valid;
  DropMissing(wanted->doubles, &wanted->valid);
  return ReadEach(rest, batch, wanted, [&](const Cell& cell, size_t row) {
    return reader_->ToDouble(cell, &wanted->doubles[row]);
  });
}

uint64_t TableRows::PrepareInt64s(RowBatch* batch, Wanted* wanted) const {
  wanted->valid = ReadPlainInt64s(simd_, batch->Cells(wanted->source_column),
                                  dialect_->decimal, wanted->int64s.data());
  const uint64_t rest = batch->all() & ~wanted->valid;
  DropMissing(wanted->int64s, &wanted->valid);
  return ReadEach(rest, batch, wanted, [&](const Cell& cell, size_t row) {
    return reader_->ToInt64(cell, &wanted->int64s[row]);
  });
}

uint64_t TableRows::PrepareTimes(RowBatch* batch, Wanted* wanted) const {
  wanted->valid = 0;
  return ReadEach(
      batch->all(), batch, wanted, [&](const Cell& cell, size_t row) {
        return reader_->ToTime(cell, wanted->field.type, FormatOf(*wanted),
                               &wanted->int64s[row]);
      });
}

uint64_t TableRows::PrepareBools(RowBatch* batch, Wanted* wanted) const {
  wanted->valid = 0;
  wanted->trues = 0;
  return ReadEach(batch->all(), batch, wanted,
                  [&](const Cell& cell, size_t row) {
                    bool flag = false;
                    const Value value = reader_->ToBool(cell, &flag);
                    wanted->trues |= uint64_t{flag} << row;
                    return value;
                  });
}

uint64_t TableRows::CheckRoleOf(RowBatch* batch, const Wanted& wanted) const {
  uint64_t bad = 0;
  if (wanted.field.role != pb::TARGET && wanted.field.role != pb::WEIGHT)
    return bad;
  for (size_t row = 0; row < batch->rows(); ++row) {
    const Cell cell = batch->At(row, wanted.source_column);
    const bool good = wanted.field.role == pb::TARGET
                          ? !reader_->IsMissing(cell, wanted.field.type)
                          : IsWeight(cell, *reader_);
    if (!good) bad |= uint64_t{1} << row;
  }
  return bad;
}

void TableRows::AppendPrepared(RowBatch* batch, size_t begin, size_t end) {
  if (begin >= end) return;
  const auto count = static_cast<int>(end - begin);
  for (Wanted& wanted : wanted_) {
    const pb::DataType type = wanted.field.type;
    if (type == pb::FLOAT64) {
      wanted.builder.AppendDoubles(&wanted.doubles[begin],
                                   wanted.valid >> begin, count);
    } else if (type == pb::INT64 || IsTime(type)) {
      wanted.builder.AppendInt64s(&wanted.int64s[begin], wanted.valid >> begin,
                                  count);
    } else if (type == pb::BOOL) {
      for (size_t row = begin; row < end; ++row)
        if ((wanted.valid >> row & 1) != 0)
          wanted.builder.AppendBool((wanted.trues >> row & 1) != 0);
        else
          wanted.builder.AppendNull();
    } else {
      for (size_t row = begin; row < end; ++row) {
        const Cell cell = batch->At(row, wanted.source_column);
        if (wanted.field.role == pb::CARRY)
          AppendAsWritten(cell, &wanted.builder);
        else
          reader_->Append(cell, type, nullptr, &wanted.builder);
        wanted.longest_text = std::max(wanted.longest_text, cell.text.size());
      }
    }
  }
  for (size_t row = begin; row < end; ++row)
    ordinals_.push_back(batch->ordinal(row));
}

int64_t TableRows::bytes_per_row() const {
  // A bit for what may be missing, and what the values take at most.
  size_t bytes = 1 + wanted_.size() / 8;
  for (const Wanted& wanted : wanted_)
    bytes += IsText(wanted.field.type) ? sizeof(int32_t) + wanted.longest_text
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
