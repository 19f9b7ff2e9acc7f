#include "services/loader/plan_columns.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/column_evidence.h"
#include "services/loader/plan_cursor.h"
#include "services/loader/text_place.h"

namespace troupe::loader {
namespace {

bool MayBeAbsent(const pb::Field& field) {
  return field.role() == pb::TARGET || field.role() == pb::WEIGHT;
}

const std::string& NameOf(const pb::PlanRequest& request,
                          const pb::PlanCursor& cursor) {
  if (request.has_inline_text()) return request.inline_text().name();
  return cursor.files(cursor.file()).path();
}

absl::Status CheckSameColumns(const pb::PlanCursor& cursor,
                              const std::vector<std::string>& names,
                              int64_t line) {
  const std::string& file = cursor.files(cursor.file()).path();
  const std::string& first = cursor.files(0).path();
  const auto known = static_cast<size_t>(cursor.columns_size());
  for (size_t i = 0; i < std::min(known, names.size()); ++i) {
    const std::string& expected = cursor.columns(static_cast<int>(i));
    if (names[i] != expected)
      return BadInput(
          file, line, 0,
          absl::StrCat("column ", i + 1, " is ", Quoted(names[i]), ", but ",
                       Quoted(expected), " in \"", first, "\""));
  }
  if (known == names.size()) return absl::OkStatus();
  return BadInput(file, line, 0,
                  absl::StrCat(names.size(), " columns, but ", known, " in \"",
                               first, "\""));
}

absl::Status CheckPinned(const pb::PlanRequest& request,
                         const pb::PlanCursor& cursor) {
  const absl::flat_hash_set<absl::string_view> columns(cursor.columns().begin(),
                                                       cursor.columns().end());
  std::vector<absl::Status> mistakes;
  for (const pb::Field& field : request.pinned().fields())
    if (!MayBeAbsent(field) && !columns.contains(field.name()))
      mistakes.push_back(
          WithPrefix(UnknownColumn(field.name(), ColumnsOf(cursor)),
                     NameOf(request, cursor)));
  return mistakes.empty() ? absl::OkStatus() : Together(mistakes);
}

pb::DataType TypeOf(const pb::PlanRequest& request,
                    const pb::PlanCursor& cursor, int i) {
  if (request.has_pinned()) return pb::STRING;
  const auto declared = request.source().types().find(cursor.columns(i));
  if (declared != request.source().types().end()) return declared->second;
  if (cursor.rows() == 0) return pb::STRING;
  return TypeEvidence::FromBits(cursor.evidence(i)).Type();
}

}  // namespace

absl::Status TakeColumns(const pb::PlanRequest& request, const Dialect& dialect,
                         std::vector<std::string> names, int64_t line,
                         pb::PlanCursor* cursor) {
  const bool jsonl = dialect.format == pb::JSONL;
  if (cursor->columns_size() > 0)
    return jsonl || !dialect.header ? absl::OkStatus()
                                    : CheckSameColumns(*cursor, names, line);
  if (jsonl)
    for (const pb::Field& field : request.pinned().fields())
      names.push_back(field.name());
  for (std::string& name : names) {
    cursor->add_columns(std::move(name));
    cursor->add_evidence(0);
    cursor->add_present(0);
    cursor->add_missing_numbers(0);
  }
  if (jsonl) return absl::OkStatus();
  RETURN_IF_ERROR(CheckPinned(request, *cursor));
  return CheckDeclared(request, dialect, *cursor);
}

absl::Status CheckDeclared(const pb::PlanRequest& request,
                           const Dialect& dialect,
                           const pb::PlanCursor& cursor) {
  const bool sample = dialect.format == pb::JSONL && request.max_rows() > 0;
  if (request.has_pinned() || sample) return absl::OkStatus();
  const std::vector<std::string> columns = ColumnsOf(cursor);
  std::map<std::string, absl::Status> mistakes;  // In one order every time.
  for (const auto& [name, type] : request.source().types())
    if (!absl::c_linear_search(columns, name))
      mistakes[name] =
          WithMetadata(WithPrefix(UnknownColumn(name, columns), "source.types"),
                       "field", absl::StrCat("source.types.", name));
  std::vector<absl::Status> errors;
  for (auto& [name, error] : mistakes) errors.push_back(std::move(error));
  return errors.empty() ? absl::OkStatus() : Together(errors);
}

void DescribeColumns(const pb::PlanRequest& request,
                     const pb::PlanCursor& cursor, pb::PlanResponse* response) {
  for (int i = 0; i < cursor.columns_size(); ++i) {
    pb::Field& field = *response->mutable_schema()->add_fields();
    field.set_name(cursor.columns(i));
    field.set_type(TypeOf(request, cursor, i));
    if (request.has_pinned()) continue;
    if (TypeEvidence::FromBits(cursor.evidence(i)).nested())
      response->add_nested(cursor.columns(i));
    response->add_missing(ColumnEvidence::Missing(cursor, i, field.type()));
  }
  absl::flat_hash_map<absl::string_view, pb::DataType> pinned;
  for (const pb::Field& field : request.pinned().fields())
    pinned[field.name()] = field.type();
  for (pb::Field& field : *response->mutable_schema()->mutable_fields()) {
    const auto found = pinned.find(field.name());
    if (found != pinned.end()) field.set_type(found->second);
  }
}

}  // namespace troupe::loader
