#include "services/preprocessor/preprocessor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/table_request.h"
#include "services/host/text_reply.h"
#include "services/preprocessor/feature_matrix.h"
#include "services/preprocessor/fitting.h"
#include "services/preprocessor/numeric_column.h"
#include "services/preprocessor/steps_runner.h"
#include "services/table/serialize.h"
#include "services/table/wire.h"

namespace troupe::preprocessor {
namespace {

// What is known before anything is fitted.
pb::FittedPreprocessor NothingKnown(const pb::PreprocessorParams& params,
                                    const pb::Schema& input) {
  pb::FittedPreprocessor known;
  known.set_format(1);
  *known.mutable_params() = params;
  *known.mutable_input() = input;
  return known;
}

absl::Status CheckKind(const pb::StageParams& params) {
  if (params.kind_case() == pb::StageParams::kPreprocessor ||
      params.kind_case() == pb::StageParams::KIND_NOT_SET)
    return absl::OkStatus();
  return BadSpec("preprocessor", "these are another stage's parameters");
}

// Whether the answer holds a matrix.
absl::StatusOr<bool> WantsMatrix(const Plan& plan, pb::TableForm form) {
  if (form == pb::MATRIX && !plan.makes_features())
    return BadMessage("a matrix is asked of a hop that makes no features");
  return form != pb::COLUMNS && plan.makes_features();
}

// Rows that may be in memory with all features that the steps make.
int64_t RowsAtOnce(const Plan& plan) {
  constexpr int64_t kMaxBytes = int64_t{256} << 20;
  return std::max<int64_t>(1, kMaxBytes / (8 * (plan.widest() + 1)));
}

// At most so many bytes leave per row, in either form: eight for a value, one
// bit for its presence, eight for the row's ordinal.
int64_t BytesPerRow(const Schema& output) {
  const auto columns = static_cast<int64_t>(output.size());
  return 8 + columns * 8 + (columns + 7) / 8;
}

}  // namespace

// One batch.
absl::StatusOr<pb::ProcessResponse> Preprocessor::Process(
    pb::ProcessRequest& request, const Context& context) {
  ASSIGN_OR_RETURN(Table table, TakeTable(request));
  ASSIGN_OR_RETURN(
      const std::shared_ptr<const Plan> plan,
      FindPlan(request.artifact(), request.params(), table.schema));
  ASSIGN_OR_RETURN(const bool matrix, WantsMatrix(*plan, request.form()));
  if (table.rows > 4 * RowsAtOnce(*plan))
    return BadMessage(absl::StrCat(table.rows, " rows of ", plan->widest(),
                                   " features are too large an answer; ask "
                                   "for a range of rows"));

  ASSIGN_OR_RETURN(Batch batch, BindColumns(*plan, std::move(table)));
  RowRejects rejects;
  RETURN_IF_ERROR(ApplySteps(*plan, batch, rejects, context));

  for (size_t i = batch.others; i < batch.table.columns.size(); ++i) {
    const Column& column = batch.table.columns[i];
    const std::string& name = batch.table.schema[i].name;
    if (matrix) {
      RejectOverflows(column, name, rejects);
    } else {
      RejectInfinities(column, name, rejects);
    }
  }
  rejects.RemoveFrom(batch.table);

  if (matrix) {
    batch.table.features =
        MakeMatrix(batch.table.rows,
                   absl::MakeSpan(batch.table.schema).subspan(batch.others),
                   absl::MakeSpan(batch.table.columns).subspan(batch.others));
    batch.table.schema.resize(batch.others);
    batch.table.columns.resize(batch.others);
  }

  pb::ProcessResponse response;
  response.set_rows(batch.table.rows);
  const RejectedRows rejected = rejects.Take();
  if (!rejected.empty()) *response.mutable_rejected() = rejected.ToProto();
  RETURN_IF_ERROR(SetTable(request, std::move(batch.table), response));
  return response;
}

absl::StatusOr<pb::ObserveResponse> Preprocessor::Observe(
    pb::ObserveRequest& request, const Context& context) {
  if (request.purpose() == pb::EVALUATION)
    return BadMessage("a preprocessor has nothing to evaluate");
  if (request.state().empty())
    return BadMessage("observing needs the state that a merge gave");
  ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan,
                   artifacts().Get<Plan>(request.state()));
  ASSIGN_OR_RETURN(Table table, TakeTable(request));
  ASSIGN_OR_RETURN(Batch batch, BindColumns(*plan, std::move(table)));
  pb::ObserveResponse response;
  std::vector<pb::ColumnStatistics> statistics(plan->observations().size());
  // Nobody chose this batch's size with one-hot columns in mind.
  const int64_t step = RowsAtOnce(*plan);
  RejectedRows rejected;
  for (int64_t begin = 0; begin < batch.table.rows; begin += step) {
    Batch part = {
        batch.table.Slice(begin, std::min(begin + step, batch.table.rows)),
        batch.others};
    RowRejects rejects;
    ASSIGN_OR_RETURN(std::vector<pb::ColumnStatistics> next,
                     ObserveSteps(*plan, part, rejects, context));
    RETURN_IF_ERROR(AddStatistics(*plan, std::move(next), statistics));
    response.set_rows(response.rows() + part.table.rows);
    rejected.Append(rejects.Take());
  }
  if (!rejected.empty()) *response.mutable_rejected() = rejected.ToProto();
  ASSIGN_OR_RETURN(
      *response.mutable_partial(),
      SerializePartial(*plan, request.state(), std::move(statistics)));
  return response;
}

absl::StatusOr<pb::MergeResponse> Preprocessor::Merge(pb::MergeRequest& request,
                                                      const Context&) {
  if (request.purpose() == pb::EVALUATION)
    return BadMessage("a preprocessor has nothing to evaluate");
  RETURN_IF_ERROR(CheckKind(request.params()));
  pb::MergeResponse response;
  pb::FittedPreprocessor known =
      NothingKnown(request.params().preprocessor(), request.input());
  if (request.state().empty()) {
    if (!request.partials().empty())
      return BadMessage("partials need the state that they were observed with");
  } else {
    ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> pass,
                     artifacts().Get<Plan>(request.state()));
    ASSIGN_OR_RETURN(
        std::vector<pb::ColumnStatistics> joined,
        JoinPartials(*pass, request.state(), request.mutable_partials()));
    if (!request.last()) {
      ASSIGN_OR_RETURN(
          *response.mutable_partial(),
          SerializePartial(*pass, request.state(), std::move(joined)));
      return response;
    }
    std::vector<std::string> warnings;
    ASSIGN_OR_RETURN(known, FinishPass(*pass, std::move(joined), warnings));
    response.mutable_warnings()->Assign(warnings.begin(), warnings.end());
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan,
                   Plan::Make(std::move(known)));
  ASSIGN_OR_RETURN(std::string bytes, SerializeCanonical(plan->known()));
  if (plan->finished()) {
    response.set_artifact(std::move(bytes));
  } else {
    response.set_state(std::move(bytes));
    const PassesLeft left = plan->passes_left(request.expected_rows());
    response.set_passes_left(left.known);
    response.set_perhaps_more_passes(left.perhaps_more);
  }
  return response;
}

absl::StatusOr<pb::DescribeResponse> Preprocessor::Describe(
    pb::DescribeRequest& request, const Context&) {
  RETURN_IF_ERROR(CheckKind(request.params()));
  ASSIGN_OR_RETURN(const Schema input, FromProto(request.input()));
  pb::DescribeResponse response;
  std::shared_ptr<const Plan> plan;
  if (request.artifact().empty()) {
    response.set_fitting(pb::BY_OBSERVE);
    ASSIGN_OR_RETURN(plan,
                     Plan::Make(NothingKnown(request.params().preprocessor(),
                                             request.input())));
  } else {
    response.set_fitting(pb::NO_FITTING);
    ASSIGN_OR_RETURN(plan, artifacts().Get<Plan>(request.artifact()));
    RETURN_IF_ERROR(CheckInput(*plan, input));
  }
  Schema output;
  for (const Field& field : input)
    if (field.role != pb::FEATURE) output.push_back(field);
  output.insert(output.end(), plan->output().begin(), plan->output().end());
  if (plan->finished() && plan->makes_features())
    for (const Field& field : plan->output()) response.add_features(field.name);
  response.set_output_bytes_per_row(BytesPerRow(output));
  *response.mutable_output() = ToProto(output);
  return response;
}

absl::StatusOr<std::shared_ptr<const Artifact>> Preprocessor::LoadArtifact(
    std::string bytes) {
  pb::FittedPreprocessor known;
  if (!known.ParseFromString(bytes))
    return ArtifactCorrupt("not a fitted preprocessor");
  ASSIGN_OR_RETURN(std::shared_ptr<const Artifact> plan,
                   Plan::Make(std::move(known)));
  return plan;
}

absl::StatusOr<std::shared_ptr<const Plan>> Preprocessor::FindPlan(
    const std::string& artifact, const pb::StageParams& params,
    const Schema& schema) {
  std::shared_ptr<const Plan> plan;
  if (!artifact.empty()) {
    ASSIGN_OR_RETURN(plan, artifacts().Get<Plan>(artifact));
  } else {
    RETURN_IF_ERROR(CheckKind(params));
    ASSIGN_OR_RETURN(
        plan, Plan::Make(NothingKnown(params.preprocessor(), ToProto(schema))));
  }
  if (!plan->finished())
    return BadMessage("the hop is not fitted yet; name its artifact");
  return plan;
}

}  // namespace troupe::preprocessor
