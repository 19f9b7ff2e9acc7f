#include "services/model/training_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/model/training_memory.h"
#include "services/table/row_split.h"

namespace troupe::model {
namespace {

// A reply with more rejected rows would grow too large to send.
constexpr size_t kMaxRejected = 100000;

absl::Status TooFewRows(absl::string_view which) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "TOO_FEW_ROWS",
      absl::StrCat("no ", which,
                   " rows are left after the split and after rows without a "
                   "usable target; use more rows or another split"));
}

}  // namespace

// The parts of one table.
struct TrainingReader::Columns {
  const DenseMatrix* features = nullptr;
  const Column* target = nullptr;
  const Column* weight = nullptr;
  const Column* target_text = nullptr;
};

// One row; refused where `refusal` is not empty.
struct TrainingReader::Row {
  double target = 0;
  float weight = 1;
  std::string refusal;
  std::string message;
};

TrainingReader::TrainingReader(const ModelPlan& plan,
                               const ModelOptions& options, Schema schema)
    : plan_(plan),
      options_(options),
      schema_(std::move(schema)),
      labels_(
          schema_[static_cast<size_t>(FindRole(schema_, pb::TARGET))].type) {
  target_name_ =
      schema_[static_cast<size_t>(FindRole(schema_, pb::TARGET))].name;
}

absl::StatusOr<std::unique_ptr<TrainingReader>> TrainingReader::Create(
    const ModelPlan& plan, const ModelOptions& options,
    const pb::FitStart& start) {
  ASSIGN_OR_RETURN(Schema schema, FromProto(start.input()));
  RETURN_IF_ERROR(CheckRoles(plan, schema));
  auto reader =
      absl::WrapUnique(new TrainingReader(plan, options, std::move(schema)));
  TrainingSet& set = reader->set_;
  set.features.assign(start.features().begin(), start.features().end());
  reader->spools_ = plan.backend != "baseline";
  if (!reader->spools_) return reader;
  const int64_t cols = start.features_size();
  if (start.expected_rows() < 0) return BadMessage("expected_rows is negative");
  if (cols == 0) return BadSpec("steps", "leave no features to learn from");
  const int64_t need = TrainingBytes(start.expected_rows(), cols, 1);
  if (need > options.training_budget_bytes)
    return TrainingTooLarge(need, options.training_budget_bytes);
  ASSIGN_OR_RETURN(set.train.features,
                   RowSpool::Create(options.scratch_dir, cols));
  ASSIGN_OR_RETURN(set.validation.features,
                   RowSpool::Create(options.scratch_dir, cols));
  reader->row_.resize(static_cast<size_t>(cols));
  return reader;
}

absl::StatusOr<TrainingReader::Columns> TrainingReader::Bind(
    const Table& table) const {
  Columns columns;
  const auto find = [&](ColumnRole role, const Column*& column) {
    const int wanted = FindRole(schema_, role);
    if (wanted < 0) return absl::OkStatus();
    const Field& field = schema_[static_cast<size_t>(wanted)];
    const int found = FindField(table.schema, field.name);
    if (found < 0 ||
        table.schema[static_cast<size_t>(found)].type != field.type)
      return BadTable(absl::StrCat("column \"", field.name,
                                   "\" is missing or of another type"));
    column = &table.columns[static_cast<size_t>(found)];
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(find(pb::TARGET, columns.target));
  RETURN_IF_ERROR(find(pb::WEIGHT, columns.weight));
  RETURN_IF_ERROR(find(pb::TARGET_TEXT, columns.target_text));
  if (!spools_) return columns;
  if (!table.features.has_value() || table.features->names != set_.features)
    return BadTable("its features are not those that the fit began with");
  columns.features = &*table.features;
  return columns;
}

absl::Status TrainingReader::Add(const Table& table) {
  ASSIGN_OR_RETURN(const Columns columns, Bind(table));
  for (int64_t i = 0; i < table.rows; ++i)
    RETURN_IF_ERROR(AddRow(columns, i, table.Ordinal(i)));
  return spools_ ? CheckBudget() : absl::OkStatus();
}

absl::Status TrainingReader::AddRow(const Columns& columns, int64_t i,
                                    int64_t ordinal) {
  const RowRole role = RoleOfRow(plan_.split, ordinal);
  if (role == RowRole::kTest) return absl::OkStatus();
  Row row;
  RETURN_IF_ERROR(ReadRow(columns, i, ordinal, row));
  if (!row.refusal.empty())
    return Reject(ordinal, row.refusal, std::move(row.message));
  TrainingRows& rows = role == RowRole::kTrain ? set_.train : set_.validation;
  // Nobody looks at validation features unless something is watched.
  if (spools_ && (role == RowRole::kTrain || plan_.early_stopping > 0))
    RETURN_IF_ERROR(rows.features->Append(row_.data()));
  rows.targets.push_back(row.target);
  if (columns.weight != nullptr) rows.weights.push_back(row.weight);
  return absl::OkStatus();
}

// The label comes last: one that only refused rows have is no class.
absl::Status TrainingReader::ReadRow(const Columns& columns, int64_t i,
                                     int64_t ordinal, Row& row) {
  const auto refuse = [&row](absl::string_view reason, std::string message) {
    row.refusal = std::string(reason);
    row.message = std::move(message);
    return absl::OkStatus();
  };
  if (columns.target->IsNull(i))
    return refuse("MISSING_TARGET", absl::StrCat("column \"", target_name_,
                                                 "\": the target is missing"));
  if (columns.weight != nullptr) {
    row.weight = static_cast<float>(columns.weight->AsDouble(i));
    if (!(row.weight >= 0) || std::isinf(row.weight))
      return refuse(
          "BAD_WEIGHT",
          absl::StrCat(
              "column \"",
              schema_[static_cast<size_t>(FindRole(schema_, pb::WEIGHT))].name,
              "\": the weight is missing, negative or infinite"));
  }
  const int infinite = CopyFeatures(columns, i);
  if (infinite >= 0)
    return refuse(
        "INFINITE_VALUE",
        absl::StrCat("feature \"", set_.features[static_cast<size_t>(infinite)],
                     "\" is infinite"));
  if (plan_.objective.classifies()) {
    const int limit = plan_.objective.task == Task::kBinary ? 2 : kMaxClasses;
    absl::StatusOr<int> label =
        labels_.Add(*columns.target, i, columns.target_text, limit);
    if (!label.ok())
      return WithMetadata(
          WithMetadata(
              WithPrefix(label.status(), absl::StrCat("target \"", target_name_,
                                                      "\" of row ", ordinal)),
              "row", absl::StrCat(ordinal)),
          "column", target_name_);
    row.target = *label;
    return absl::OkStatus();
  }
  row.target = columns.target->AsDouble(i);
  if (!std::isfinite(static_cast<float>(row.target)))
    return refuse(
        "INFINITE_TARGET",
        absl::StrCat("column \"", target_name_, "\": the target is infinite"));
  if (!InRange(plan_.objective.range, row.target))
    return refuse("TARGET_OUT_OF_RANGE",
                  absl::StrCat("column \"", target_name_, "\": the target is ",
                               row.target, "; ", plan_.objective.name,
                               " needs ", RangeText(plan_.objective.range)));
  return absl::OkStatus();
}

int TrainingReader::CopyFeatures(const Columns& columns, int64_t i) {
  if (columns.features == nullptr) return -1;
  const DenseMatrix& matrix = *columns.features;
  const size_t begin = static_cast<size_t>(i) * row_.size();
  for (size_t c = 0; c < row_.size(); ++c) {
    row_[c] = matrix.type == pb::FLOAT32
                  ? matrix.floats()[begin + c]
                  : static_cast<float>(matrix.doubles()[begin + c]);
    if (std::isinf(row_[c])) return static_cast<int>(c);
  }
  return -1;
}

absl::Status TrainingReader::Reject(int64_t ordinal, absl::string_view reason,
                                    std::string message) {
  if (set_.rejected.size() >= kMaxRejected)
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "TOO_MANY_REJECTS",
        absl::StrCat("more than ", kMaxRejected,
                     " rows cannot be learned from; the last: ", message));
  pb::RejectedRow& row = set_.rejected.emplace_back();
  row.set_row(ordinal);
  row.set_reason(std::string(reason));
  row.set_message(std::move(message));
  return absl::OkStatus();
}

int64_t TrainingReader::RowBytes() const {
  const int scores = plan_.objective.task == Task::kMulticlass
                         ? std::max(1, labels_.size())
                         : 1;
  return TrainingBytes(set_.train.rows() + set_.validation.rows(),
                       static_cast<int64_t>(row_.size()), scores);
}

absl::Status TrainingReader::CheckBudget() const {
  const int64_t need = RowBytes();
  if (need <= options_.training_budget_bytes) return absl::OkStatus();
  return TrainingTooLarge(need, options_.training_budget_bytes);
}

// Most trainings fit even if every feature had all bins. For the others it is
// counted.
absl::Status TrainingReader::CheckHistograms() {
  const int64_t rows = set_.train.rows();
  const int64_t left = options_.training_budget_bytes - RowBytes();
  int64_t bins =
      std::min(rows, MaxBins(plan_)) * static_cast<int64_t>(row_.size());
  if (HistogramBytes(plan_, rows, bins) <= left) return absl::OkStatus();
  ASSIGN_OR_RETURN(bins, CountBins(*set_.train.features, MaxBins(plan_)));
  const int64_t need = HistogramBytes(plan_, rows, bins);
  if (need <= left) return absl::OkStatus();
  return WithPrefix(
      TrainingTooLarge(need > std::numeric_limits<int64_t>::max() - RowBytes()
                           ? need
                           : need + RowBytes(),
                       options_.training_budget_bytes),
      "the histograms of so deep trees do not fit (model.xgboost.max_depth, "
      "params.max_leaves, params.max_bin)");
}

absl::StatusOr<TrainingSet> TrainingReader::Finish() {
  if (set_.train.rows() == 0) return TooFewRows("training");
  if (plan_.early_stopping > 0 && set_.validation.rows() == 0)
    return TooFewRows("validation");
  const std::vector<float>& weights = set_.train.weights;
  if (!weights.empty() &&
      *std::max_element(weights.begin(), weights.end()) == 0)
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_WEIGHT",
                     "all training rows have the weight 0");
  if (plan_.objective.classifies()) {
    std::vector<int> order;
    ASSIGN_OR_RETURN(set_.labels, labels_.Finish(order));
    RETURN_IF_ERROR(FinishClasses(target_name_, order, plan_.balanced, set_));
  } else {
    FinishNumbers(target_name_, plan_.objective.median_baseline, set_);
  }
  if (spools_) RETURN_IF_ERROR(CheckHistograms());
  return std::move(set_);
}

}  // namespace troupe::model
