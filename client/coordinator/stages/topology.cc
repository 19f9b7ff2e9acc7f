#include "client/coordinator/stages/topology.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/base/latch.h"
#include "services/base/log.h"

namespace troupe {
namespace {

pb::ReplicaStatus StatusOf(const ReplicaInfo& info) {
  pb::ReplicaStatus status;
  status.set_address(info.address);
  status.set_serving(info.serving);
  status.set_message(info.message);
  status.set_outstanding(info.outstanding);
  status.set_rows_per_second(info.rows_per_second);
  return status;
}

// What became of the message to each replica.
struct Notice {
  std::string stage;
  ReplicaInfo replica;
  absl::Status status;
};

// Gives look-ups a moment, so that the newest replicas are known.
void LookUpAll(const Dispatcher& dispatcher, absl::Duration patience) {
  const std::vector<std::string> stages = dispatcher.Stages();
  const auto found =
      std::make_shared<Latch>(static_cast<int64_t>(stages.size()));
  for (const std::string& name : stages)
    dispatcher.Replicas(name)->ResolveSoon([found] { found->CountDown(); });
  found->Wait(patience);
}

}  // namespace

pb::Topology DescribeTopology(const Dispatcher& dispatcher,
                              absl::Duration timeout) {
  pb::Topology topology;
  std::vector<std::pair<pb::ReplicaStatus*, std::shared_ptr<StageClient>>>
      asked;
  for (const std::string& name : dispatcher.Stages()) {
    const ReplicaSet& replicas = *dispatcher.Replicas(name);
    pb::StageStatus* const stage = topology.add_stages();
    stage->set_name(name);
    stage->set_target(replicas.options().target);
    stage->set_waiting(dispatcher.WaitingAt(name));
    for (const ReplicaInfo& info : replicas.List()) {
      pb::ReplicaStatus* const status = stage->add_replicas();
      *status = StatusOf(info);
      asked.emplace_back(status, info.client);
    }
  }
  const auto answers =
      std::make_shared<Latch>(static_cast<int64_t>(asked.size()));
  for (const auto& [status, client] : asked) {
    // Each answer writes to a message of its own.
    GetStats(*client, timeout,
             [status = status, answers](absl::StatusOr<pb::ActorStats> stats) {
               if (stats.ok()) *status->mutable_stats() = *std::move(stats);
               answers->CountDown();
             });
  }
  answers->Wait();
  return topology;
}

int StopStages(const Dispatcher& dispatcher, pb::StopMode mode,
               absl::Duration timeout) {
  LookUpAll(dispatcher, timeout / 4);
  pb::StopRequest request;
  request.set_mode(mode);
  std::vector<Notice> notices;
  for (const std::string& name : dispatcher.Stages())
    for (ReplicaInfo& replica : dispatcher.Replicas(name)->List())
      notices.push_back({name, std::move(replica), absl::OkStatus()});
  // Each call has a deadline of its own, so this ends.
  const auto answers =
      std::make_shared<Latch>(static_cast<int64_t>(notices.size()));
  for (Notice& notice : notices) {
    StopReplica(*notice.replica.client, request, timeout * 3 / 4,
                [answers, &status = notice.status](
                    const absl::StatusOr<pb::StopResponse>& response) {
                  status = response.status();
                  answers->CountDown();
                });
  }
  answers->Wait();
  int acknowledged = 0;
  for (const Notice& notice : notices) {
    if (notice.status.ok())
      ++acknowledged;
    else
      LogError("replica not stopped", notice.status,
               {{"stage", notice.stage}, {"replica", notice.replica.address}});
  }
  return acknowledged;
}

}  // namespace troupe
