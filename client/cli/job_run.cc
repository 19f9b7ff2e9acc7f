#include "client/cli/job_run.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/report_text.h"
#include "client/cli/text_format.h"
#include "grpcpp/support/status.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/grpc_status.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

// The coordinator asks the stages and reads a page of input before it answers.
constexpr absl::Duration kCreateTimeout = absl::Minutes(2);
// So long a coordinator that has enough jobs is asked again. Whoever waits may
// end it before.
constexpr absl::Duration kAdmissionPatience = absl::Minutes(10);

// Makes a repeated submission of the same request the same job.
std::string NewRequestId() {
  std::random_device random;
  std::string id = "cli-";
  for (int i = 0; i < 4; ++i) absl::StrAppendFormat(&id, "%08x", random());
  return id;
}

// Asks again when the coordinator says that it has enough to do for now.
absl::StatusOr<pb::Job> Create(Session& session,
                               const pb::CreateJobRequest& request) {
  absl::Duration waited;
  while (true) {
    absl::StatusOr<pb::Job> created =
        session.client().CreateJob(request, kCreateTimeout);
    const auto delay = RetryDelayOf(created.status());
    if (created.ok() || !absl::IsResourceExhausted(created.status()) ||
        !delay.has_value() || waited + *delay > kAdmissionPatience)
      return created;
    if (waited == absl::ZeroDuration())
      session.Note(absl::StrCat("the coordinator takes no more jobs now: ",
                                created.status().message(), "; waiting"));
    session.sleep(*delay);
    waited += *delay;
  }
}

// A name that the loader does not know is a wrong command, not a failed job.
// All else is the job's own affair, such as a stage that is missing for now.
absl::Status CheckRemoteInput(Session& session, pb::CreateJobRequest request,
                              const InputChoice& input) {
  request.set_validate_only(true);
  request.clear_request_id();
  const absl::Status checked =
      session.client().CreateJob(request, kCreateTimeout).status();
  const std::string reason = ReasonOf(checked);
  if (reason == "FILE_NOT_FOUND" || reason == "OUTSIDE_ROOTS")
    return InputNotFound(input, checked);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<pb::Pipeline> FindVersion(Session& session,
                                         const std::string& pipeline) {
  pb::GetPipelineRequest request;
  request.set_pipeline(pipeline);
  return session.client().GetPipeline(request);
}

std::string VersionOf(const pb::Pipeline& pipeline) {
  return absl::StrCat(pipeline.name(), "@", pipeline.version());
}

absl::StatusOr<pb::Job> SubmitJob(Session& session,
                                  pb::CreateJobRequest request,
                                  const InputChoice& input) {
  ProgressView progress(session.err, session.progress_options(), session.clock);
  // A TRAIN request without a source of its own trains on its spec's.
  pb::Source& source = request.kind() == pb::TRAIN
                           ? *request.mutable_spec()->mutable_source()
                           : *request.mutable_source();
  ASSIGN_OR_RETURN(const std::string upload,
                   SendInput(session.client(), input, source, progress));
  request.set_upload(upload);
  if (upload.empty() && !request.validate_only())
    RETURN_IF_ERROR(CheckRemoteInput(session, request, input));
  request.set_request_id(session.request_id.empty() ? NewRequestId()
                                                    : session.request_id);
  const absl::StatusOr<pb::Job> created = Create(session, request);
  const std::string reason = ReasonOf(created.status());
  if (reason == "FILE_NOT_FOUND" || reason == "OUTSIDE_ROOTS")
    return InputNotFound(input, created.status());
  return created;
}

absl::StatusOr<pb::Job> FollowJob(
    Session& session, const std::string& id,
    const std::function<void(const pb::Job&)>& on_job) {
  ProgressView progress(session.err, session.progress_options(), session.clock);
  session.followed.SetJob(id);
  pb::Job last;
  const absl::Status status =
      session.client().WatchJob(id, [&](const pb::Job& job) {
        last = job;
        if (on_job != nullptr) {
          on_job(job);
        } else if (!HasEnded(job)) {
          progress.ShowJob(job);
        }
        return true;
      });
  session.followed.SetJob("");
  if (absl::IsUnavailable(status))
    return WithPrefix(
        status, absl::StrCat("`troupe watch ", id, "` goes on from here"));
  RETURN_IF_ERROR(status);
  if (!HasEnded(last))
    return MakeError(
        absl::StatusCode::kUnavailable, "WATCH_ENDED",
        absl::StrCat("the coordinator stopped telling about job ", id,
                     "; `troupe watch ", id, "` asks it again"));
  return last;
}

absl::Status JobError(const pb::Job& job) {
  if (job.state() != pb::FAILED && job.state() != pb::DISK_FULL)
    return absl::OkStatus();
  const absl::Status status = FromGrpcStatus(
      grpc::Status(static_cast<grpc::StatusCode>(job.error().code()),
                   job.error().message(), SerializeSmall(job.error())));
  if (!status.ok()) return status;
  return MakeError(absl::StatusCode::kInternal, "JOB_FAILED",
                   job.state_message().empty() ? "no reason was given"
                                               : job.state_message());
}

absl::StatusOr<ExitCode> ConcludeJob(
    Session& session, const pb::Job& job,
    const std::function<absl::Status(const absl::Status&)>& locate) {
  if (session.json) RETURN_IF_ERROR(session.PrintJson(job));
  for (const std::string& warning : job.report().warnings())
    session.Note(absl::StrCat("warning: ", warning));
  if (job.kind() != pb::INSPECT && job.report().has_short_rows())
    session.Note(ShortRowsLine(job.report()));
  if (const absl::Status error = JobError(job); !error.ok()) {
    const absl::Status located = locate == nullptr ? error : locate(error);
    session.err << session.ErrorHead() << "job " << job.id()
                << (job.state() == pb::DISK_FULL ? " waits: " : " failed: ")
                << PrintableLines(std::string(located.message())) << "\n";
    const std::string rejected = RejectedRows(job);
    if (!rejected.empty()) session.Note(rejected);
    if (job.state() == pb::DISK_FULL)
      session.Note(absl::StrCat("free some space; then `troupe resume ",
                                job.id(), "` goes on from here"));
  } else if (job.state() == pb::CANCELLED) {
    session.err << session.ErrorHead() << "job " << job.id()
                << " was cancelled\n";
  } else if (job.state() == pb::PARTIALLY_SUCCEEDED) {
    session.Note(absl::StrCat(FormatCount(job.progress().rows_rejected()),
                              " rows were rejected"));
  }
  return ExitCodeOf(job.state());
}

bool HasResult(const pb::Job& job) {
  return job.state() == pb::SUCCEEDED || job.state() == pb::PARTIALLY_SUCCEEDED;
}

bool HasEnded(const pb::Job& job) {
  return HasResult(job) || job.state() == pb::FAILED ||
         job.state() == pb::CANCELLED || job.state() == pb::DISK_FULL;
}

absl::StatusOr<ExitCode> PrintSubmitted(Session& session, const pb::Job& job) {
  if (session.json) RETURN_IF_ERROR(session.PrintJson(job));
  if (!session.json) session.out << job.id() << "\n";
  return kDone;
}

absl::StatusOr<std::optional<OutputTarget>> OpenOutput(
    Session& session, const OutputOptions& options, const pb::Job* job) {
  RETURN_IF_ERROR(options.Check());
  const auto wrong = [](absl::string_view what) {
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_USAGE", what);
  };
  if (session.detach && !(options.path.empty() && options.rejects.empty()))
    return wrong(
        "--detach leaves before there is an output; `troupe fetch JOB --output "
        "FILE` writes it later");
  if (session.detach) return std::nullopt;
  if (options.path.empty()) return wrong("--output is required");
  if (session.json && options.path == "-")
    return wrong("--json and --output - both want standard output");
  if (options.rejects == "-" && (session.json || options.path == "-"))
    return wrong(session.json
                     ? "--json and --rejects - both want standard output"
                     : "--output - and --rejects - both want standard output");
  ASSIGN_OR_RETURN(OutputTarget target,
                   OutputTarget::Create(options.path, options.rejects,
                                        session.out, session.followed, job));
  return target;
}

absl::Status SaveOutput(Session& session, const pb::Job& job,
                        OutputTarget& target, const std::string& path) {
  ProgressView progress(session.err, session.progress_options(), session.clock);
  RETURN_IF_ERROR(target.Fetch(session.client(), job, progress));
  const pb::Manifest& manifest = job.manifest();
  if (path != "-")
    session.Note(
        absl::StrCat(FormatCount(manifest.rows_ok()), " rows in ", path));
  if (!manifest.has_rejects()) return absl::OkStatus();
  const std::string rejects = target.rejects_path();
  if (rejects == "-") return absl::OkStatus();
  session.Note(rejects.empty()
                   ? absl::StrCat("the rejected rows were not written; "
                                  "`troupe fetch ",
                                  job.id(),
                                  " --output FILE` or --rejects "
                                  "writes them")
                   : absl::StrCat(FormatCount(manifest.rows_rejected()),
                                  " rejected rows in ", rejects));
  return absl::OkStatus();
}

}  // namespace troupe
