// troupe jobs: lists jobs, newest first.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "client/cli/text_format.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kJobsExamples[] =
    "  troupe jobs\n"
    "  troupe jobs --limit 5 --json      # one job per line\n";

std::string Started(const pb::Job& job) {
  return absl::FormatTime("%m-%d %H:%M:%S",
                          absl::FromUnixSeconds(job.create_time().seconds()),
                          absl::LocalTimeZone());
}

std::vector<std::string> Line(const pb::Job& job) {
  std::string note =
      job.state() == pb::FAILED ? job.error().message() : job.state_message();
  if (note.empty() && job.state() == pb::RUNNING) note = ProgressLine(job, 0);
  return {Printable(job.id()),
          KindWord(job.kind()),
          StateWord(job.state()),
          Started(job),
          Printable(job.pipeline(), 40),
          Printable(job.input(), 40),
          FormatCount(job.progress().rows_ok()),
          Printable(note, 60)};
}

absl::StatusOr<ExitCode> Jobs(Session& session, int limit) {
  std::vector<std::vector<std::string>> rows = {
      {"job", "kind", "state", "created", "pipeline", "input", "rows", ""}};
  pb::ListJobsRequest request;
  int left = limit;
  do {
    request.set_page_size(std::min(left, 100));
    ASSIGN_OR_RETURN(const pb::ListJobsResponse page,
                     session.client().ListJobs(request));
    for (const pb::Job& job : page.jobs()) {
      if (left-- <= 0) break;
      if (session.json) RETURN_IF_ERROR(session.PrintJson(job, true));
      rows.push_back(Line(job));
    }
    request.set_page_token(page.next_page_token());
  } while (left > 0 && !request.page_token().empty());
  if (session.json) return kDone;
  if (rows.size() == 1) {
    session.Note("no jobs yet");
  } else {
    session.out << AlignedTable(rows);
  }
  return kDone;
}

}  // namespace

void AddJobs(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(app, session, "jobs",
                                 "Lists jobs, newest first", kJobsExamples);
  auto limit = std::make_shared<int>(20);
  command->add_option("--limit", *limit, "how many at most")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->callback([&session, limit] {
    session.command = [&session, limit] { return Jobs(session, *limit); };
  });
}

}  // namespace troupe
