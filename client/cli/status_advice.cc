#include "client/cli/status_advice.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/text_format.h"

namespace troupe {
namespace {

// A disk that has less left than this, or than a twentieth, is nearly full.
constexpr int64_t kLittleSpace = int64_t{1} << 30;

std::string Count(int64_t count, absl::string_view one,
                  absl::string_view several) {
  return absl::StrCat(FormatCount(count), " ", count == 1 ? one : several);
}

bool Serving(const pb::ReplicaStatus& replica) {
  return replica.serving() &&
         (!replica.has_stats() || replica.stats().state() == pb::READY);
}

int64_t ServingReplicas(const pb::StageStatus& stage) {
  return std::count_if(stage.replicas().begin(), stage.replicas().end(),
                       Serving);
}

// How one more replica is started depends on how the stage is found: as a
// service of compose, in a list that a file holds, or at fixed addresses.
std::string HowToStart(const pb::StageStatus& stage, int64_t replicas) {
  const std::string name = Printable(stage.name());
  absl::string_view target = stage.target();
  if (absl::ConsumePrefix(&target, "file:"))
    return absl::StrCat("start troupe-", name,
                        " --port 0 --port_file FILE, "
                        "and add its HOST:PORT as a line of ",
                        Printable(target));
  if (absl::StartsWith(target, absl::StrCat("dns:", stage.name(), ":")))
    return absl::StrCat("docker compose up -d --scale ", name, "=", replicas);
  if (absl::StartsWith(target, "dns:"))
    return absl::StrCat("start troupe-", name, " on one more machine behind ",
                        Printable(target.substr(4)));
  if (replicas <= 1) {
    const size_t colon = target.find_last_of(':');
    return absl::StrCat(
        "start it: troupe-", name, " --port ",
        Printable(target.substr(colon == target.npos ? 0 : colon + 1)), " &");
  }
  return absl::StrCat("start one more troupe-", name,
                      " on another --port, and name it in the coordinator's "
                      "--stage ",
                      name, "=", Printable(target), ",HOST:PORT");
}

void AdviseReplicas(const pb::StageStatus& stage,
                    std::vector<std::string>& advice) {
  const int64_t serving = ServingReplicas(stage);
  if (serving == 0) {
    const int64_t waiting = stage.waiting();
    advice.push_back(absl::StrCat(
        "no replica of ", Printable(stage.name()), " is serving (",
        stage.replicas().empty() ? "none is found" : "none of those found",
        " at ", Printable(stage.target()), ")",
        waiting > 0
            ? absl::StrCat(", and ",
                           Count(waiting, "batch waits", "batches wait"),
                           " for one")
            : "",
        "; ", HowToStart(stage, 1)));
    return;
  }
  for (const pb::ReplicaStatus& replica : stage.replicas()) {
    if (replica.serving() || replica.message().empty()) continue;
    advice.push_back(absl::StrCat(
        Printable(stage.name()), " at ", Printable(replica.address()),
        " does not serve: ", Printable(replica.message(), 200)));
  }
}

void AdviseDisk(const pb::StateUsage& usage, std::vector<std::string>& advice) {
  const char* const remedy =
      "; delete old jobs with their output (`troupe jobs --state succeeded`, "
      "`troupe delete JOB`)";
  const bool little =
      usage.disk() > 0 &&
      usage.free() < std::max(std::min(kLittleSpace, usage.disk() / 10),
                              usage.disk() / 20);
  if (little)
    advice.push_back(absl::StrCat(
        "the disk of the state directory is nearly full: ",
        FormatBytes(usage.free()), " of ", FormatBytes(usage.disk()),
        " are free", remedy, ", or give it more room"));
  const int64_t used = usage.database() + usage.outputs() + usage.unfinished() +
                       usage.artifacts() + usage.uploads() + usage.lost_found();
  if (usage.limit() > 0 && used >= usage.limit() - usage.limit() / 10)
    advice.push_back(absl::StrCat("the state directory holds ",
                                  FormatBytes(used), " of at most ",
                                  FormatBytes(usage.limit()),
                                  " (--max_state_bytes): the oldest output "
                                  "goes first",
                                  remedy));
}

// Batches that wait for the stage: here, and in its replicas' mailboxes.
int64_t WaitingBatches(const pb::StageStatus& stage) {
  int64_t waiting = stage.waiting();
  for (const pb::ReplicaStatus& replica : stage.replicas())
    for (const pb::LaneStats& lane : replica.stats().lanes())
      if (lane.name() == "batch") waiting += lane.depth();
  return waiting;
}

int64_t BusyReplicas(const pb::StageStatus& stage) {
  return std::count_if(stage.replicas().begin(), stage.replicas().end(),
                       [](const pb::ReplicaStatus& replica) {
                         return Serving(replica) && replica.outstanding() > 0;
                       });
}

// The stage of which every replica is busy and for which most batches wait.
void AdviseBottleneck(const pb::Topology& topology,
                      std::vector<std::string>& advice) {
  const pb::StageStatus* slowest = nullptr;
  for (const pb::StageStatus& stage : topology.stages()) {
    const int64_t serving = ServingReplicas(stage);
    if (serving == 0 || BusyReplicas(stage) < serving ||
        WaitingBatches(stage) <= serving)
      continue;
    if (slowest == nullptr || WaitingBatches(stage) > WaitingBatches(*slowest))
      slowest = &stage;
  }
  if (slowest == nullptr) return;
  const int64_t serving = ServingReplicas(*slowest);
  advice.push_back(absl::StrCat(
      Printable(slowest->name()),
      " is the bottleneck: ", BusyReplicas(*slowest), " of ", serving,
      " busy, ", Count(WaitingBatches(*slowest), "batch waits", "batches wait"),
      "; add a replica: ", HowToStart(*slowest, serving + 1)));
}

void AdviseJobs(const pb::JobQueue& jobs, const std::vector<pb::Job>& waiting,
                std::vector<std::string>& advice) {
  for (const pb::Job& job : waiting) {
    const std::string why = Printable(job.state_message(), 200);
    if (job.state() == pb::DISK_FULL)
      advice.push_back(absl::StrCat(
          "job ", Printable(job.id()), " waits for disk space",
          why.empty() ? "" : absl::StrCat(" (", why, ")"),
          "; free some, then `troupe resume ", Printable(job.id()), "`"));
    else if (job.state() == pb::STALLED)
      advice.push_back(
          absl::StrCat("job ", Printable(job.id()), " is stalled: ", why));
  }
  const int64_t unfinished = jobs.running() + jobs.queued() +
                             jobs.queued_short() + jobs.waiting_for_space();
  if (jobs.max_unfinished() > 0 && unfinished >= jobs.max_unfinished())
    advice.push_back(absl::StrCat(
        "no further job is taken: ", FormatCount(unfinished),
        " have not ended, which is all there may be (--max_unfinished_jobs); "
        "wait, or cancel some"));
  if (jobs.queued() > 0 && jobs.running() >= jobs.max_running())
    advice.push_back(absl::StrCat(
        Count(jobs.queued(), "job waits", "jobs wait"), " for one of the ",
        jobs.max_running(), " that run to end (--max_running_jobs)"));
}

}  // namespace

std::vector<std::string> StatusAdvice(const pb::Topology& topology,
                                      const std::vector<pb::Job>& waiting) {
  std::vector<std::string> advice;
  for (const pb::StageStatus& stage : topology.stages())
    AdviseReplicas(stage, advice);
  AdviseDisk(topology.state(), advice);
  AdviseBottleneck(topology, advice);
  AdviseJobs(topology.jobs(), waiting, advice);
  return advice;
}

std::string JobsLine(const pb::JobQueue& jobs) {
  std::string line = Count(jobs.running(), "job runs", "jobs run");
  if (jobs.stalled() > 0)
    absl::StrAppend(&line, ", ", jobs.stalled(), " of them stalled");
  if (const int64_t queued = jobs.queued() + jobs.queued_short(); queued > 0)
    absl::StrAppend(&line, "; ", Count(queued, "waits", "wait"), " for ",
                    queued == 1 ? "its" : "their", " turn");
  if (jobs.waiting_for_space() > 0)
    absl::StrAppend(&line, "; ",
                    Count(jobs.waiting_for_space(), "waits", "wait"),
                    " for disk space");
  return absl::StrCat(line, " (at most ", jobs.max_running(),
                      " long ones at once)");
}

}  // namespace troupe
