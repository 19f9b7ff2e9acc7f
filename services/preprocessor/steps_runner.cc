#include "services/preprocessor/steps_runner.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/numeric_column.h"

namespace troupe::preprocessor {
namespace {

using Statistics = std::vector<pb::ColumnStatistics>;

absl::Status MissingColumn(const std::string& name, const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema) names.push_back(field.name);
  return WithPrefix(UnknownColumn(name, names),
                    "the pipeline was fitted with another table");
}

absl::Status WrongType(const Field& wanted, DataType type) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "TYPE_MISMATCH",
      absl::StrCat("column \"", wanted.name, "\" is ", TypeName(type),
                   ", and the pipeline was fitted "
                   "with ",
                   TypeName(wanted.type)),
      {{"column", wanted.name}});
}

// Rejects rows that the step must not see.
void RejectRows(const Plan& plan, const StepPlan& step, Batch& batch,
                RowRejects& rejects) {
  for (size_t i = 0; i < step.columns.size(); ++i) {
    const ColumnPlan& plan_of = step.columns[i];
    const Column& column = batch.table.columns[batch.others + i];
    if (plan_of.check_finite)
      RejectInfinities(column, plan_of.field.name, rejects);
    if (plan_of.observation < 0) continue;
    plan.observations()[static_cast<size_t>(plan_of.observation)]
        .transform->RejectRows(plan_of.field, column, rejects);
  }
  rejects.RemoveFrom(batch.table);
}

// Columns that are to be observed, or are not needed any more, stand where they
// stood until the end of the step: rows are removed from all columns alike.
struct Standing {
  size_t place = 0;
  const ColumnPlan* plan = nullptr;
};

std::vector<Standing> ApplyStep(const StepPlan& step, Batch& batch,
                                RowRejects& rejects) {
  Table& table = batch.table;
  std::vector<Column> columns;
  Schema schema;
  std::vector<Column> at_end;
  Schema schema_at_end;
  std::vector<Standing> standing;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnPlan* plan =
        i < batch.others ? nullptr : &step.columns[i - batch.others];
    if (plan == nullptr || plan->transform == nullptr) {
      if (plan != nullptr && (plan->observation >= 0 || plan->left_out))
        standing.push_back({columns.size(), plan});
      columns.push_back(std::move(table.columns[i]));
      schema.push_back(std::move(table.schema[i]));
      continue;
    }
    Outputs outputs = plan->transform->outputs();
    std::vector<Column> made =
        plan->transform->Apply(std::move(table.columns[i]), rejects);
    for (size_t k = 0; k < outputs.in_place.size(); ++k) {
      columns.push_back(std::move(made[k]));
      schema.push_back(std::move(outputs.in_place[k]));
    }
    if (!outputs.at_end.has_value()) continue;
    at_end.push_back(std::move(made.back()));
    schema_at_end.push_back(*std::move(outputs.at_end));
  }
  std::move(at_end.begin(), at_end.end(), std::back_inserter(columns));
  std::move(schema_at_end.begin(), schema_at_end.end(),
            std::back_inserter(schema));
  table.columns = std::move(columns);
  table.schema = std::move(schema);
  rejects.RemoveFrom(table);
  return standing;
}

absl::Status ObserveStanding(const Plan& plan,
                             const std::vector<Standing>& standing,
                             Batch& batch, Statistics& statistics) {
  Table& table = batch.table;
  for (const Standing& one : standing) {
    if (one.plan->observation < 0) continue;
    const auto number = static_cast<size_t>(one.plan->observation);
    const Observation& observation = plan.observations()[number];
    ASSIGN_OR_RETURN(statistics[number],
                     ObserveColumn(observation.field.name,
                                   table.columns[one.place], observation.needs,
                                   &observation.search, observation.limits));
  }
  for (auto one = standing.rbegin(); one != standing.rend(); ++one) {
    const auto place = static_cast<std::ptrdiff_t>(one->place);
    table.columns.erase(table.columns.begin() + place);
    table.schema.erase(table.schema.begin() + place);
  }
  return absl::OkStatus();
}

absl::Status RunSteps(const Plan& plan, Batch& batch, RowRejects& rejects,
                      const Context& context, size_t steps,
                      Statistics& statistics) {
  for (size_t i = 0; i < steps; ++i) {
    const StepPlan& step = plan.steps()[i];
    if (context.cancelled()) return CallerLeft();
    if (step.idle) continue;
    RejectRows(plan, step, batch, rejects);
    const std::vector<Standing> standing = ApplyStep(step, batch, rejects);
    RETURN_IF_ERROR(ObserveStanding(plan, standing, batch, statistics));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckInput(const Plan& plan, const Schema& schema) {
  absl::flat_hash_map<absl::string_view, const Field*> arrived;
  for (const Field& field : schema) arrived.emplace(field.name, &field);
  for (const Field& wanted : plan.input()) {
    const auto found = arrived.find(wanted.name);
    if (found == arrived.end() || found->second->role != pb::FEATURE)
      return MissingColumn(wanted.name, schema);
    if (found->second->type != wanted.type)
      return WrongType(wanted, found->second->type);
  }
  for (const Field& made : plan.output()) {
    const auto found = arrived.find(made.name);
    if (found != arrived.end() && found->second->role != pb::FEATURE)
      return MakeError(
          absl::StatusCode::kInvalidArgument, "DUPLICATE_COLUMN",
          absl::StrCat("column \"", made.name, "\" has the name of a feature"),
          {{"column", made.name}});
  }
  return absl::OkStatus();
}

absl::StatusOr<Batch> BindColumns(const Plan& plan, Table table) {
  RETURN_IF_ERROR(CheckInput(plan, table.schema));
  Batch batch;
  batch.table.rows = table.rows;
  batch.table.first_row = table.first_row;
  batch.table.row_ids = std::move(table.row_ids);
  absl::flat_hash_map<std::string, size_t> places;
  for (size_t i = 0; i < table.schema.size(); ++i) {
    if (table.schema[i].role == pb::FEATURE) {
      places.emplace(table.schema[i].name, i);
      continue;
    }
    batch.table.columns.push_back(std::move(table.columns[i]));
    batch.table.schema.push_back(table.schema[i]);
  }
  batch.others = batch.table.columns.size();
  for (const Field& wanted : plan.input()) {
    const size_t place = places.find(wanted.name)->second;
    batch.table.columns.push_back(std::move(table.columns[place]));
    batch.table.schema.push_back(wanted);
  }
  return batch;
}

absl::Status ApplySteps(const Plan& plan, Batch& batch, RowRejects& rejects,
                        const Context& context) {
  Statistics none;
  return RunSteps(plan, batch, rejects, context, plan.steps().size(), none);
}

absl::StatusOr<Statistics> ObserveSteps(const Plan& plan, Batch& batch,
                                        RowRejects& rejects,
                                        const Context& context) {
  Statistics statistics(plan.observations().size());
  // What nobody observes need not be computed. Observations rise by step.
  const size_t steps =
      statistics.empty()
          ? 0
          : static_cast<size_t>(plan.observations().back().step) + 1;
  RETURN_IF_ERROR(RunSteps(plan, batch, rejects, context, steps, statistics));
  return statistics;
}

}  // namespace troupe::preprocessor
