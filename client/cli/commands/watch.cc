// troupe watch, cancel, resume: what one does with a job that goes on without
// one.
#include "absl/strings/str_cat.h"
#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "client/cli/report_text.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kWatchExamples[] =
    "  troupe watch 20261123-7f3a\n"
    "  troupe watch 20261123-7f3a --json     # a line for every change\n";
constexpr char kWaitExamples[] =
    "  troupe wait $(troupe train churn.yaml --detach) && echo trained\n";
constexpr char kCancelExamples[] = "  troupe cancel 20261123-7f3a\n";
constexpr char kResumeExamples[] = "  troupe resume 20261123-7f3a\n";

absl::StatusOr<ExitCode> Watch(Session& session, const std::string& id) {
  absl::Status printed;
  std::function<void(const pb::Job&)> print;
  if (session.json)
    print = [&](const pb::Job& job) { printed = session.PrintJson(job, true); };
  ASSIGN_OR_RETURN(const pb::Job job, FollowJob(session, id, print));
  RETURN_IF_ERROR(printed);
  if (session.json) return ExitCodeOf(job.state());
  if (HasResult(job)) {
    if (job.kind() == pb::TRAIN) session.out << TrainReport(job, session.style);
    if (job.kind() == pb::EVALUATE)
      session.out << EvaluateReport(job, session.style);
    if (job.kind() == pb::INSPECT) {
      ASSIGN_OR_RETURN(const std::string report,
                       InspectReport(job, session.style));
      session.out << report;
    }
    if (job.has_manifest() && job.manifest().parts_size() > 0)
      session.Note(absl::StrCat("its output: troupe fetch ", job.id(),
                                " --output FILE"));
  }
  return ConcludeJob(session, job);
}

// For scripts: nothing but the exit code, and an error where there is one.
absl::StatusOr<ExitCode> Wait(Session& session, const std::string& id) {
  ASSIGN_OR_RETURN(const pb::Job job,
                   FollowJob(session, id, [](const pb::Job&) {}));
  return ConcludeJob(session, job);
}

absl::StatusOr<ExitCode> Cancel(Session& session, const std::string& id) {
  pb::CancelJobRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(const pb::Job job, session.client().CancelJob(request));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(job));
  } else {
    session.out << "job " << id << " is " << StateWord(job.state()) << "\n";
  }
  return kDone;
}

absl::StatusOr<ExitCode> Resume(Session& session, const std::string& id) {
  pb::ResumeJobRequest request;
  request.set_id(id);
  RETURN_IF_ERROR(session.client().ResumeJob(request).status());
  return Watch(session, id);
}

using JobCommand = absl::StatusOr<ExitCode> (*)(Session&, const std::string&);

void AddJobCommand(CLI::App& app, Session& session, const std::string& name,
                   const std::string& description, const std::string& examples,
                   JobCommand run) {
  CLI::App* command = AddCommand(app, session, name, description, examples);
  auto id = std::make_shared<std::string>();
  command->add_option("job", *id, "as `troupe jobs` shows it")
      ->required()
      ->type_name("JOB");
  command->callback([&session, id, run] {
    session.command = [&session, id, run] { return run(session, *id); };
  });
}

}  // namespace

void AddWatch(CLI::App& app, Session& session) {
  AddJobCommand(app, session, "watch",
                "Follows a job to its end; Ctrl-C leaves it running",
                kWatchExamples, &Watch);
}

void AddWait(CLI::App& app, Session& session) {
  AddJobCommand(app, session, "wait",
                "Waits for a job's end, and ends with its exit code",
                kWaitExamples, &Wait);
}

void AddCancel(CLI::App& app, Session& session) {
  AddJobCommand(app, session, "cancel",
                "Asks a job to stop; nothing of it is published",
                kCancelExamples, &Cancel);
}

void AddResume(CLI::App& app, Session& session) {
  AddJobCommand(app, session, "resume",
                "Lets a failed, cancelled or waiting job go on, and follows it",
                kResumeExamples, &Resume);
}

}  // namespace troupe
