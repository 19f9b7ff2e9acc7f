#include "client/coordinator/state/job_store.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/coordinator/state/garbage.h"
#include "client/coordinator/state/page.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "client/coordinator/state/upload_store.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

// The job without its request, which has a column of its own.
absl::StatusOr<std::string> JobBytes(const pb::Job& job) {
  pb::Job bare = job;
  bare.clear_request();
  return SerializeCanonical(bare);
}

absl::Status RequestIdReused(absl::string_view request_id) {
  return MakeError(
      absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED",
      absl::StrCat("another job has the request_id \"", request_id, "\""));
}

// The version that the job needs is there.
absl::Status Pin(Connection& connection, const pb::Job& job) {
  return job.pipeline().empty()
             ? absl::OkStatus()
             : PipelineRegistry::Check(connection, job.pipeline());
}

// For the column `ended_at` of a job as it is recorded now.
int64_t EndedAt(Database& database, const pb::Job& job) {
  return IsTerminal(job.state()) ? absl::ToInt64Seconds(database.Lived()) : 0;
}

// " AND kind IN (1,2)"; "" for no values.
template <typename Values>
std::string Among(absl::string_view column, const Values& values) {
  if (values.empty()) return "";
  return absl::StrCat(" AND ", column, " IN (", absl::StrJoin(values, ","),
                      ")");
}

}  // namespace

std::string PipelineNameOf(const pb::Job& job) {
  if (job.kind() == pb::TRAIN) return job.request().spec().name();
  const absl::string_view version =
      job.pipeline().empty() ? job.request().pipeline() : job.pipeline();
  return std::string(version.substr(0, version.find('@')));
}

bool HasSucceeded(pb::JobState state) {
  return state == pb::SUCCEEDED || state == pb::PARTIALLY_SUCCEEDED;
}

bool HasStopped(pb::JobState state) {
  return IsTerminal(state) || state == pb::DISK_FULL;
}

bool IsTerminal(pb::JobState state) {
  return HasSucceeded(state) || state == pb::FAILED || state == pb::CANCELLED;
}

absl::StatusOr<std::unique_ptr<JobStore>> JobStore::Open(Database* database) {
  std::unique_ptr<JobStore> store(new JobStore(database));
  RETURN_IF_ERROR(database->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Statement last,
                     connection.Prepare("SELECT max(epoch) FROM starts"));
    RETURN_IF_ERROR(last.Execute());
    store->epoch_ = last.Int(0) + 1;
    ASSIGN_OR_RETURN(Statement start,
                     connection.Prepare("INSERT INTO starts VALUES (?)"));
    return start.Bind(store->epoch_).Execute();
  }));
  return store;
}

absl::StatusOr<JobStore::Added> JobStore::Add(const pb::Job& job) {
  const std::string& request_id = job.request().request_id();
  ASSIGN_OR_RETURN(const std::string request,
                   SerializeCanonical(job.request()));
  ASSIGN_OR_RETURN(const std::string bytes, JobBytes(job));
  const int64_t ended_at = EndedAt(*database_, job);
  Added added;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement same,
        connection.Prepare("SELECT job, request FROM jobs "
                           "WHERE request_id = ? AND request_id <> ''"));
    ASSIGN_OR_RETURN(const bool found, same.Bind(request_id).Next());
    if (found) {
      ASSIGN_OR_RETURN(const std::string known, same.Sealed(1));
      if (known != request) return RequestIdReused(request_id);
      ASSIGN_OR_RETURN(added.job, same.SealedMessage<pb::Job>(0));
      *added.job.mutable_request() = job.request();
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Pin(connection, job));
    ASSIGN_OR_RETURN(
        Statement insert,
        connection.Prepare(
            "INSERT INTO jobs (id, request_id, kind, request, state, ended,"
            " job, ended_at, epoch, name)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    added.job = job;
    added.created = true;
    RETURN_IF_ERROR(insert.Bind(job.id())
                        .Bind(request_id)
                        .Bind(int64_t{job.kind()})
                        .BindSealed(request)
                        .Bind(int64_t{job.state()})
                        .Bind(int64_t{IsTerminal(job.state())})
                        .BindSealed(bytes)
                        .Bind(ended_at)
                        .Bind(epoch_)
                        .Bind(PipelineNameOf(job))
                        .Execute());
    const std::string& upload = job.request().upload();
    return upload.empty() ? absl::OkStatus()
                          : UploadStore::Claim(connection, upload, job.id());
  }));
  return added;
}

absl::StatusOr<std::string> JobStore::FindRequest(
    const pb::CreateJobRequest& request) {
  ASSIGN_OR_RETURN(const std::string wanted, SerializeCanonical(request));
  std::string id;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT id, request FROM jobs "
                           "WHERE request_id = ? AND request_id <> ''"));
    ASSIGN_OR_RETURN(const bool found,
                     select.Bind(request.request_id()).Next());
    if (!found) return JobNotFound(request.request_id());
    ASSIGN_OR_RETURN(const std::string known, select.Sealed(1));
    if (known != wanted) return RequestIdReused(request.request_id());
    id = select.Bytes(0);
    return absl::OkStatus();
  }));
  return id;
}

absl::Status JobStore::Update(const pb::Job& job) {
  const int64_t ended_at = EndedAt(*database_, job);
  return database_->Run(
      [&](Connection& connection) { return Write(connection, job, ended_at); });
}

absl::Status JobStore::Reopen(const pb::Job& job) {
  return database_->Run([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(Pin(connection, job));
    return Write(connection, job, 0);
  });
}

absl::Status JobStore::Write(Connection& connection, const pb::Job& job,
                             int64_t ended_at) {
  ASSIGN_OR_RETURN(const std::string bytes, JobBytes(job));
  ASSIGN_OR_RETURN(
      Statement update,
      connection.Prepare("UPDATE jobs SET state = ?, ended = ?, job = ?,"
                         " ended_at = ?, epoch = ? WHERE id = ?"));
  RETURN_IF_ERROR(update.Bind(int64_t{job.state()})
                      .Bind(int64_t{IsTerminal(job.state())})
                      .BindSealed(bytes)
                      .Bind(ended_at)
                      .Bind(epoch_)
                      .Bind(job.id())
                      .Execute());
  if (connection.changes() != 1) return JobNotFound(job.id());
  // Its upload is not read again.
  return HasSucceeded(job.state()) ? UploadStore::Release(connection, job.id())
                                   : absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> JobStore::UsersOf(
    Connection& connection, absl::string_view version) {
  ASSIGN_OR_RETURN(Statement select,
                   connection.Prepare("SELECT job FROM jobs WHERE ended = 0"
                                      " ORDER BY number"));
  std::vector<std::string> users;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) return users;
    ASSIGN_OR_RETURN(const pb::Job job, select.SealedMessage<pb::Job>(0));
    if (job.pipeline() == version) users.push_back(job.id());
  }
}

absl::StatusOr<pb::Job> JobStore::Get(absl::string_view id) {
  pb::Job job;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT job, request FROM jobs WHERE id = ?"));
    ASSIGN_OR_RETURN(const bool found, select.Bind(id).Next());
    if (!found) return JobNotFound(id);
    ASSIGN_OR_RETURN(job, select.SealedMessage<pb::Job>(0));
    ASSIGN_OR_RETURN(*job.mutable_request(),
                     select.SealedMessage<pb::CreateJobRequest>(1));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<pb::ListJobsResponse> JobStore::List(
    const pb::ListJobsRequest& request) {
  int64_t below = INT64_MAX;
  if (!request.page_token().empty() &&
      !absl::SimpleAtoi(request.page_token(), &below))
    return BadSpec("page_token", "is not one that ListJobs returned");
  const int64_t page_size = PageSize(request.page_size());
  // Of enums there are only numbers.
  const std::string filters = absl::StrCat(
      Among("kind", request.kinds()), Among("state", request.states()),
      request.pipeline().empty() ? "" : " AND name = ? AND name <> ''");
  pb::ListJobsResponse response;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select,
                     connection.Prepare(absl::StrCat(
                         "SELECT job, number FROM jobs WHERE number < ?",
                         filters, " ORDER BY number DESC LIMIT ?")));
    select.Bind(below);
    if (!request.pipeline().empty()) select.Bind(request.pipeline());
    select.Bind(page_size + 1);
    int64_t last = 0;
    int64_t bytes = 0;
    while (true) {
      ASSIGN_OR_RETURN(const bool found, select.Next());
      if (!found) return absl::OkStatus();
      if (response.jobs_size() == page_size || bytes >= kPageBytes) {
        response.set_next_page_token(absl::StrCat(last));
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(pb::Job job, select.SealedMessage<pb::Job>(0));
      job.clear_report();
      bytes += static_cast<int64_t>(job.ByteSizeLong());
      *response.add_jobs() = std::move(job);
      last = select.Int(1);
    }
  }));
  return response;
}

namespace {

absl::StatusOr<std::vector<std::string>> Ids(Statement& select) {
  std::vector<std::string> ids;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) return ids;
    ids.push_back(select.Bytes(0));
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> JobStore::Unfinished() {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare(
            "SELECT id FROM jobs WHERE ended = 0 ORDER BY number"));
    ASSIGN_OR_RETURN(ids, Ids(select));
    return absl::OkStatus();
  }));
  return ids;
}

absl::StatusOr<std::vector<std::string>> JobStore::Expired(absl::Duration after,
                                                           int64_t keep) {
  const absl::Duration before = database_->Lived() - after;
  std::vector<std::string> ids;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare(
            "SELECT id FROM (SELECT id, number FROM jobs"
            " WHERE ended = 1 AND ended_at < ?"
            " UNION SELECT id, number FROM jobs WHERE ended = 1 AND number <="
            " (SELECT number FROM jobs WHERE ended = 1"
            " ORDER BY number DESC LIMIT 1 OFFSET ?)) ORDER BY number"
            " LIMIT 100"));
    select.Bind(absl::ToInt64Seconds(before)).Bind(keep);
    ASSIGN_OR_RETURN(ids, Ids(select));
    return absl::OkStatus();
  }));
  return ids;
}

absl::StatusOr<std::vector<std::string>> JobStore::EndedAfter(int64_t* number) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT id, number FROM jobs WHERE ended = 1 AND"
                           " number > ? ORDER BY number LIMIT 100"));
    select.Bind(*number);
    while (true) {
      ASSIGN_OR_RETURN(const bool found, select.Next());
      if (!found) return absl::OkStatus();
      ids.push_back(select.Bytes(0));
      *number = select.Int(1);
    }
  }));
  return ids;
}

absl::Status JobStore::Delete(absl::string_view id) {
  return database_->Run([&](Connection& connection) -> absl::Status {
    for (const char* ending : {"", ".tmp"}) {
      ASSIGN_OR_RETURN(Statement garbage,
                       connection.Prepare("INSERT OR IGNORE INTO garbage SELECT"
                                          " 'output/' || id || ? FROM jobs"
                                          " WHERE id = ?"));
      RETURN_IF_ERROR(garbage.Bind(ending).Bind(id).Execute());
    }
    RETURN_IF_ERROR(UploadStore::Release(connection, id));
    RETURN_IF_ERROR(ReleaseArtifacts(connection, id));
    ASSIGN_OR_RETURN(Statement remove,
                     connection.Prepare("DELETE FROM jobs WHERE id = ?"));
    return remove.Bind(id).Execute();
  });
}

}  // namespace troupe
