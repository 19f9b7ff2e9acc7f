#include "client/coordinator/state/pipeline_registry.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/coordinator/state/garbage.h"
#include "client/coordinator/state/job_store.h"
#include "client/coordinator/state/page.h"
#include "services/base/errors.h"
#include "services/base/nearest.h"
#include "services/base/status_macros.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

// PIPELINE_NOT_FOUND, with the nearest name there is.
absl::Status NotFound(Connection& connection, const PipelineName& wanted,
                      absl::string_view text) {
  ASSIGN_OR_RETURN(
      Statement select,
      connection.Prepare("SELECT DISTINCT name FROM pipelines ORDER BY name"));
  std::vector<std::string> names;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) break;
    names.push_back(select.Bytes(0));
  }
  const absl::Status plain = PipelineNotFound(text);
  for (const std::string& name : names)
    if (name == wanted.name) return plain;
  absl::Status status =
      MakeError(plain.code(), ReasonOf(plain),
                absl::StrCat(plain.message(), DidYouMean(wanted.name, names)));
  return status;
}

bool IsLabel(absl::string_view text) {
  constexpr size_t kLongest = 63;
  return !text.empty() && text.size() <= kLongest &&
         absl::ascii_islower(text[0]) && absl::c_all_of(text, [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) ||
                  c == '-' || c == '_';
         });
}

// Where a label points; 0: nowhere.
absl::StatusOr<int64_t> VersionAt(Connection& connection,
                                  const std::string& name,
                                  const std::string& label) {
  ASSIGN_OR_RETURN(
      Statement select,
      connection.Prepare("SELECT version FROM labels WHERE name = ? AND"
                         " label = ? ORDER BY number DESC LIMIT 1"));
  ASSIGN_OR_RETURN(const bool found, select.Bind(name).Bind(label).Next());
  return found ? select.Int(0) : 0;
}

// The labels that point to a version, sorted.
absl::StatusOr<std::vector<std::string>> LabelsOf(Connection& connection,
                                                  const std::string& name,
                                                  int64_t version) {
  ASSIGN_OR_RETURN(
      Statement select,
      connection.Prepare("SELECT label FROM labels AS l WHERE name = ? AND"
                         " version = ? AND number = (SELECT max(number) FROM"
                         " labels WHERE name = l.name AND label = l.label)"
                         " ORDER BY label"));
  select.Bind(name).Bind(version);
  std::vector<std::string> labels;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) return labels;
    labels.push_back(select.Bytes(0));
  }
}

absl::Status AddLabels(Connection& connection, pb::Pipeline* pipeline) {
  ASSIGN_OR_RETURN(const std::vector<std::string> labels,
                   LabelsOf(connection, pipeline->name(), pipeline->version()));
  pipeline->mutable_labels()->Assign(labels.begin(), labels.end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PipelineName> ParsePipelineName(absl::string_view text) {
  PipelineName parsed;
  const size_t at = text.find('@');
  parsed.name = std::string(text.substr(0, at));
  bool good = !parsed.name.empty();
  if (good && at != absl::string_view::npos) {
    const absl::string_view behind = text.substr(at + 1);
    good = absl::SimpleAtoi(behind, &parsed.version) ? parsed.version > 0
                                                     : IsLabel(behind);
    if (good && parsed.version == 0) parsed.label = std::string(behind);
  }
  if (good) return parsed;
  return BadSpec("pipeline",
                 absl::StrCat("\"", text,
                              "\" is none of NAME, NAME@N and NAME@LABEL (a "
                              "label is a word of a-z, 0-9, - and _)"));
}

std::string VersionName(const pb::Pipeline& pipeline) {
  return absl::StrCat(pipeline.name(), "@", pipeline.version());
}

absl::StatusOr<pb::Pipeline> PipelineRegistry::Register(pb::Pipeline pipeline,
                                                        absl::string_view job) {
  pipeline.clear_labels();
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement known,
        connection.Prepare("SELECT pipeline FROM pipelines WHERE job = ?"
                           " AND job <> ''"));
    ASSIGN_OR_RETURN(const bool found, known.Bind(job).Next());
    if (found) {
      ASSIGN_OR_RETURN(pipeline, known.SealedMessage<pb::Pipeline>(0));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(
        Statement next,
        connection.Prepare("INSERT INTO pipeline_versions VALUES (?, 1) ON"
                           " CONFLICT (name) DO UPDATE SET last = last + 1"
                           " RETURNING last"));
    RETURN_IF_ERROR(next.Bind(pipeline.name()).Execute());
    pipeline.set_version(next.Int(0));
    RETURN_IF_ERROR(next.Execute());  // RETURNING ends with a step to done.
    RETURN_IF_ERROR(UseArtifacts(connection, pipeline));
    ASSIGN_OR_RETURN(
        Statement insert,
        connection.Prepare("INSERT INTO pipelines (name, version, pipeline,"
                           " job) VALUES (?, ?, ?, ?)"));
    ASSIGN_OR_RETURN(const std::string bytes, Serialize(pipeline));
    return insert.Bind(pipeline.name())
        .Bind(pipeline.version())
        .BindSealed(bytes)
        .Bind(job)
        .Execute();
  }));
  ++changes_;
  return pipeline;
}

absl::StatusOr<pb::Pipeline> PipelineRegistry::Get(absl::string_view pipeline) {
  ASSIGN_OR_RETURN(PipelineName wanted, ParsePipelineName(pipeline));
  pb::Pipeline result;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    if (!wanted.label.empty()) {
      ASSIGN_OR_RETURN(wanted.version,
                       VersionAt(connection, wanted.name, wanted.label));
      if (wanted.version == 0) return NotFound(connection, wanted, pipeline);
    }
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT pipeline FROM pipelines WHERE name = ?1"
                           " AND (?2 = 0 OR version = ?2)"
                           " ORDER BY version DESC LIMIT 1"));
    ASSIGN_OR_RETURN(const bool found,
                     select.Bind(wanted.name).Bind(wanted.version).Next());
    if (!found) return NotFound(connection, wanted, pipeline);
    ASSIGN_OR_RETURN(result, select.SealedMessage<pb::Pipeline>(0));
    return AddLabels(connection, &result);
  }));
  return result;
}

absl::StatusOr<pb::ListPipelinesResponse> PipelineRegistry::List(
    const pb::ListPipelinesRequest& request) {
  const bool one = !request.name().empty();
  PipelineName last;  // On the page before.
  if (one) last.name = request.name();
  if (!request.page_token().empty()) {
    absl::StatusOr<PipelineName> token =
        ParsePipelineName(request.page_token());
    if (!token.ok() || (one && token->name != request.name()))
      return BadSpec("page_token", "is not one that ListPipelines returned");
    last = *std::move(token);
  }
  const int64_t page_size = PageSize(request.page_size());
  pb::ListPipelinesResponse response;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare(
            one ? "SELECT pipeline, name, version FROM pipelines WHERE"
                  " name = ?1 AND version > ?2 ORDER BY version LIMIT ?3"
                : "SELECT pipeline, name, version FROM pipelines AS p WHERE"
                  " name > ?1 AND ?2 >= 0 AND version = (SELECT max(version) "
                  "FROM pipelines"
                  " WHERE name = p.name) ORDER BY name LIMIT ?3"));
    select.Bind(last.name).Bind(last.version).Bind(page_size + 1);
    int64_t bytes = 0;
    std::string token;  // The last one on the page.
    while (true) {
      ASSIGN_OR_RETURN(const bool found, select.Next());
      if (!found) return absl::OkStatus();
      if (response.pipelines_size() == page_size || bytes >= kPageBytes) {
        response.set_next_page_token(token);
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(pb::Pipeline pipeline,
                       select.SealedMessage<pb::Pipeline>(0));
      pipeline.clear_spec();
      for (pb::Hop& hop : *pipeline.mutable_hops()) {
        hop.clear_params();
        hop.clear_artifact();
      }
      RETURN_IF_ERROR(AddLabels(connection, &pipeline));
      token = absl::StrCat(select.Bytes(1), "@", select.Int(2));
      bytes += static_cast<int64_t>(pipeline.ByteSizeLong());
      *response.add_pipelines() = std::move(pipeline);
    }
  }));
  return response;
}

absl::Status PipelineRegistry::Check(Connection& connection,
                                     absl::string_view version) {
  ASSIGN_OR_RETURN(const PipelineName wanted, ParsePipelineName(version));
  ASSIGN_OR_RETURN(Statement select,
                   connection.Prepare("SELECT 1 FROM pipelines WHERE name = ?"
                                      " AND version = ?"));
  ASSIGN_OR_RETURN(const bool found,
                   select.Bind(wanted.name).Bind(wanted.version).Next());
  return found ? absl::OkStatus() : NotFound(connection, wanted, version);
}

absl::Status PipelineRegistry::Delete(absl::string_view pipeline) {
  ASSIGN_OR_RETURN(const PipelineName wanted, ParsePipelineName(pipeline));
  if (wanted.version == 0)
    return BadSpec("pipeline", absl::StrCat("say which version to delete: \"",
                                            wanted.name, "@N\""));
  const std::string version = absl::StrCat(wanted.name, "@", wanted.version);
  const absl::Status deleted =
      database_->Run([&](Connection& connection) -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<std::string> users,
                         JobStore::UsersOf(connection, version));
        if (!users.empty()) return PipelineInUse(version, users);
        ASSIGN_OR_RETURN(const std::vector<std::string> labels,
                         LabelsOf(connection, wanted.name, wanted.version));
        if (!labels.empty()) return PipelineLabelled(version, labels);
        RETURN_IF_ERROR(ReleaseArtifacts(connection, version));
        ASSIGN_OR_RETURN(
            Statement remove,
            connection.Prepare(
                "DELETE FROM pipelines WHERE name = ? AND version = ?"));
        return remove.Bind(wanted.name).Bind(wanted.version).Execute();
      });
  ++changes_;
  return deleted;
}

absl::Status PipelineRegistry::SetLabel(const pb::SetLabelRequest& request,
                                        absl::Time time) {
  ASSIGN_OR_RETURN(const PipelineName target,
                   ParsePipelineName(request.pipeline()));
  if (!IsLabel(request.label()))
    return BadSpec("label",
                   "must be a word of a-z, 0-9, - and _, and begin "
                   "with a letter");
  if (!target.label.empty())
    return BadSpec("pipeline", "must be NAME@N, or NAME to take a label away");
  const absl::Status moved =
      database_->Run([&](Connection& connection) -> absl::Status {
        if (target.version > 0) {
          RETURN_IF_ERROR(Check(connection, request.pipeline()));
        }
        ASSIGN_OR_RETURN(const int64_t before,
                         VersionAt(connection, target.name, request.label()));
        if (before == target.version) return absl::OkStatus();
        ASSIGN_OR_RETURN(
            Statement insert,
            connection.Prepare("INSERT INTO labels (name, label, version, time)"
                               " VALUES (?, ?, ?, ?)"));
        return insert.Bind(target.name)
            .Bind(request.label())
            .Bind(target.version)
            .Bind(absl::ToUnixSeconds(time))
            .Execute();
      });
  ++changes_;
  return moved;
}

absl::StatusOr<pb::ListLabelsResponse> PipelineRegistry::Labels(
    const std::string& name) {
  pb::ListLabelsResponse response;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT label, version, time FROM labels WHERE"
                           " name = ? ORDER BY number DESC LIMIT 1000"));
    select.Bind(name);
    while (true) {
      ASSIGN_OR_RETURN(const bool found, select.Next());
      if (!found) return absl::OkStatus();
      pb::LabelMove& move = *response.add_moves();
      move.set_label(select.Bytes(0));
      move.set_version(select.Int(1));
      move.mutable_time()->set_seconds(select.Int(2));
    }
  }));
  return response;
}

}  // namespace troupe
