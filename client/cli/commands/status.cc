// troupe status: every replica of every stage, and what it is doing.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/commands/commands.h"
#include "client/cli/options.h"
#include "client/cli/status_advice.h"
#include "client/cli/text_format.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// That are stalled or wait for space.
constexpr int kShownJobs = 5;

constexpr char kStatusExamples[] =
    "  troupe status\n"
    "  troupe status --json\n";

std::string State(const pb::ReplicaStatus& replica) {
  if (!replica.has_stats()) return replica.serving() ? "serving" : "silent";
  return absl::AsciiStrToLower(pb::ActorState_Name(replica.stats().state()));
}

// "batch 3/64, fit 0/4": depth and capacity of each lane's mailbox.
std::string Mailboxes(const pb::ActorStats& stats) {
  std::string text;
  for (const pb::LaneStats& lane : stats.lanes())
    absl::StrAppend(&text, text.empty() ? "" : ", ", Printable(lane.name()),
                    " ", lane.depth(), "/", lane.capacity());
  return text.empty() ? "-" : text;
}

// What it works on, if anything.
std::string Running(const pb::ActorStats& stats) {
  std::string text;
  for (const pb::LaneStats& lane : stats.lanes())
    if (!lane.running_method().empty())
      absl::StrAppend(&text, text.empty() ? "" : ", ",
                      Printable(lane.running_method()),
                      absl::StrFormat(" %.1f s", lane.running_seconds()));
  return text;
}

std::vector<std::string> ReplicaLine(const pb::StageStatus& stage,
                                     const pb::ReplicaStatus& replica) {
  const pb::ActorStats& stats = replica.stats();
  return {Printable(stage.name()),
          Printable(replica.address()),
          State(replica),
          Mailboxes(stats),
          FormatCount(replica.outstanding()),
          FormatCount(static_cast<int64_t>(replica.rows_per_second())),
          stats.rss_bytes() > 0 ? FormatBytes(stats.rss_bytes()) : "-",
          replica.message().empty() ? Running(stats)
                                    : Printable(replica.message(), 60)};
}

// "state: database 1.2 MB, output 3.0 GB, ...": what there is of each.
std::string StateLine(const pb::StateUsage& usage) {
  std::string text;
  const auto add = [&text](absl::string_view what, int64_t bytes) {
    if (bytes > 0)
      absl::StrAppend(&text, text.empty() ? "" : ", ", what, " ",
                      FormatBytes(bytes));
  };
  add("database", usage.database());
  add("output", usage.outputs());
  add("unfinished output", usage.unfinished());
  add("artifacts", usage.artifacts());
  add("uploads", usage.uploads());
  add("lost+found", usage.lost_found());
  add("of at most", usage.limit());
  add("free on the disk", usage.free());
  return text;
}

absl::StatusOr<ExitCode> Status(Session& session) {
  ASSIGN_OR_RETURN(const pb::Topology topology,
                   session.client().GetTopology(pb::GetTopologyRequest()));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(topology));
    return kDone;
  }
  pb::ListJobsRequest held_up;
  held_up.add_states(pb::STALLED);
  held_up.add_states(pb::DISK_FULL);
  held_up.set_page_size(kShownJobs);
  ASSIGN_OR_RETURN(const pb::ListJobsResponse waiting,
                   session.client().ListJobs(held_up));
  std::vector<std::vector<std::string>> rows = {{"stage", "replica", "state",
                                                 "mailbox", "in flight",
                                                 "rows/s", "memory", ""}};
  for (const pb::StageStatus& stage : topology.stages()) {
    for (const pb::ReplicaStatus& replica : stage.replicas())
      rows.push_back(ReplicaLine(stage, replica));
    if (stage.replicas().empty())
      rows.push_back(
          {Printable(stage.name()), "none", "missing", "-", "-", "-", "-",
           absl::StrCat("no replica at ", Printable(stage.target(), 60))});
  }
  const pb::ActorStats& self = topology.coordinator();
  rows.push_back({"coordinator", session.coordinator,
                  absl::AsciiStrToLower(pb::ActorState_Name(self.state())),
                  Mailboxes(self), "-", "-",
                  self.rss_bytes() > 0 ? FormatBytes(self.rss_bytes()) : "-",
                  ""});
  session.out << AlignedTable(rows, session.style);
  if (topology.has_jobs())
    session.out << "jobs: " << JobsLine(topology.jobs()) << "\n";
  if (topology.has_state())
    session.out << "state: " << StateLine(topology.state()) << "\n";
  for (const std::string& advice :
       StatusAdvice(topology, {waiting.jobs().begin(), waiting.jobs().end()}))
    session.out << "! " << advice << "\n";
  return kDone;
}

}  // namespace

void AddStatus(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "status",
      "Shows every stage, its replicas and mailboxes, and what work waits for",
      kStatusExamples);
  command->callback(
      [&session] { session.command = [&session] { return Status(session); }; });
}

}  // namespace troupe
