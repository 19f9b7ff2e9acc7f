// troupe jobs: lists jobs, newest first.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "client/cli/text_format.h"
#include "client/spec/spec_words.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kJobsExamples[] =
    "  troupe jobs\n"
    "  troupe jobs churn --kind score --state failed,cancelled\n"
    "  troupe jobs --state running,stalled,queued\n"
    "  troupe jobs --limit 5 --json      # one job per line\n";

struct JobsOptions {
  std::string pipeline;
  std::vector<std::string> kinds;
  std::vector<std::string> states;
  int limit = 20;
};

pb::ListJobsRequest RequestOf(const JobsOptions& options) {
  pb::ListJobsRequest request;
  request.set_pipeline(options.pipeline);
  for (const std::string& kind : options.kinds)
    request.add_kinds(static_cast<pb::JobKind>(
        EnumNumber(*pb::JobKind_descriptor(), kind).value_or(0)));
  for (const std::string& state : options.states)
    request.add_states(static_cast<pb::JobState>(
        EnumNumber(*pb::JobState_descriptor(), state).value_or(0)));
  return request;
}

std::vector<std::string> Line(const pb::Job& job, absl::Time now) {
  std::string note =
      job.state() == pb::FAILED ? job.error().message() : job.state_message();
  if (note.empty() && job.state() == pb::RUNNING) note = ProgressLine(job, 0);
  const absl::Time created = absl::FromUnixSeconds(job.create_time().seconds());
  return {Printable(job.id()),
          KindWord(job.kind()),
          StateWord(job.state()),
          FormatAge(absl::ToDoubleSeconds(now - created)),
          Printable(job.pipeline(), 40),
          Printable(job.input(), 40),
          FormatCount(job.progress().rows_ok()),
          Printable(note, 60)};
}

absl::StatusOr<ExitCode> Jobs(Session& session, const JobsOptions& options) {
  if (options.pipeline.find('@') != std::string::npos)
    return BadUsage(absl::StrCat(
        "jobs are listed by a pipeline's name, without the version of \"",
        options.pipeline, "\""));
  std::vector<std::vector<std::string>> rows = {
      {"job", "kind", "state", "age", "pipeline", "input", "rows", ""}};
  pb::ListJobsRequest request = RequestOf(options);
  const bool filtered = request.ByteSizeLong() > 0;
  const absl::Time now = session.clock.Now();
  int left = options.limit;
  do {
    request.set_page_size(std::min(left, 100));
    ASSIGN_OR_RETURN(const pb::ListJobsResponse page,
                     session.client().ListJobs(request));
    for (const pb::Job& job : page.jobs()) {
      if (left-- <= 0) break;
      if (session.json) RETURN_IF_ERROR(session.PrintJson(job, true));
      rows.push_back(Line(job, now));
    }
    request.set_page_token(page.next_page_token());
  } while (left > 0 && !request.page_token().empty());
  if (session.json) return kDone;
  if (rows.size() == 1) {
    session.Note(filtered ? "no such jobs" : "no jobs yet");
  } else {
    session.out << AlignedTable(rows, session.style);
    if (!request.page_token().empty())
      session.Note(
          absl::StrCat("and older ones (--limit ", options.limit, ")"));
  }
  return kDone;
}

}  // namespace

void AddJobs(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(app, session, "jobs",
                                 "Lists jobs, newest first", kJobsExamples);
  auto options = std::make_shared<JobsOptions>();
  command
      ->add_option("pipeline", options->pipeline,
                   "only those that fit or use this pipeline")
      ->type_name("NAME");
  command->add_option("--kind", options->kinds, "only jobs of these kinds")
      ->delimiter(',')
      ->check(IsWord(*pb::JobKind_descriptor()));
  command
      ->add_option("--state", options->states,
                   "only jobs in one of these states")
      ->delimiter(',')
      ->check(IsWord(*pb::JobState_descriptor()));
  command->add_option("--limit", options->limit, "how many at most")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->callback([&session, options] {
    session.command = [&session, options] { return Jobs(session, *options); };
  });
}

}  // namespace troupe
