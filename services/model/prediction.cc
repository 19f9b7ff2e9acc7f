#include "services/model/prediction.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/model/model_plan.h"

namespace troupe::model {
namespace {

// The probability of `label` in every row.
Column ProbabilityColumn(const std::vector<double>& scores, int label,
                         const FittedModel& model) {
  std::vector<double> values;
  if (model.objective.task == Task::kBinary) {
    values.reserve(scores.size());
    for (const double second : scores)
      values.push_back(label == 1 ? second : 1 - second);
  } else {
    const size_t labels = static_cast<size_t>(model.labels.size());
    values.reserve(scores.size() / labels);
    for (size_t i = static_cast<size_t>(label); i < scores.size(); i += labels)
      values.push_back(scores[i]);
  }
  return Column::FromDoubles(std::move(values));
}

bool WantsProbabilities(const FittedModel& model,
                        const pb::OutputSpec& output) {
  return output.probabilities() && model.objective.classifies();
}

}  // namespace

std::vector<int> PredictedClasses(const std::vector<double>& scores,
                                  const FittedModel& model, double threshold) {
  std::vector<int> classes;
  if (model.objective.task == Task::kBinary) {
    classes.reserve(scores.size());
    for (const double score : scores)
      classes.push_back(score >= threshold ? 1 : 0);
    return classes;
  }
  const auto labels = static_cast<std::ptrdiff_t>(model.labels.size());
  for (auto row = scores.begin(); row != scores.end(); row += labels)
    classes.push_back(
        static_cast<int>(std::max_element(row, row + labels) - row));
  return classes;
}

Schema OutputSchema(const Schema& input, const FittedModel& model,
                    const pb::OutputSpec& output) {
  Schema schema;
  for (const Field& field : input)
    if (field.role == pb::CARRY) schema.push_back(field);
  schema.push_back({"prediction", model.prediction_type(), pb::OUTPUT});
  if (WantsProbabilities(model, output))
    for (const std::string& label : model.labels.names())
      schema.push_back(
          {absl::StrCat("probability_", label), pb::FLOAT64, pb::OUTPUT});
  return schema;
}

Table OutputTable(Table input, const std::vector<double>& scores,
                  const FittedModel& model, const pb::OutputSpec& output) {
  Table out;
  out.rows = input.rows;
  out.first_row = input.first_row;
  out.row_ids = std::move(input.row_ids);
  out.schema = OutputSchema(input.schema, model, output);
  for (size_t i = 0; i < input.schema.size(); ++i)
    if (input.schema[i].role == pb::CARRY)
      out.columns.push_back(std::move(input.columns[i]));
  out.columns.push_back(model.objective.classifies()
                            ? model.labels.Decode(PredictedClasses(
                                  scores, model, Threshold(output)))
                            : Column::FromDoubles(scores));
  if (WantsProbabilities(model, output))
    for (int label = 0; label < model.labels.size(); ++label)
      out.columns.push_back(ProbabilityColumn(scores, label, model));
  return out;
}

int64_t BytesPerRow(const Schema& schema) {
  int64_t bytes = 0;
  // Eight for a number, four for a text's offset or code, and up to a byte for
  // bits (of validity, of bools).
  for (const Field& field : schema)
    bytes += field.type == pb::BOOL ? 1 : (IsText(field.type) ? 5 : 9);
  return bytes;
}

}  // namespace troupe::model
