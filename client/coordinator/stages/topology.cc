#include "client/coordinator/stages/topology.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/base/log.h"
#include "services/base/mutex.h"

namespace troupe {
namespace {

// Counts down to the last answer.
class Answers {
 public:
  explicit Answers(size_t expected) : missing_(expected) {}

  void CountDown() {
    MutexLock lock(&mutex_);
    if (--missing_ == 0) complete_.NotifyAll();
  }
  // Each call has a deadline of its own, so this ends.
  void Wait() {
    MutexLock lock(&mutex_);
    while (missing_ > 0) complete_.Wait(&mutex_);
  }

 private:
  Mutex mutex_;
  CondVar complete_;
  size_t missing_ ABSL_GUARDED_BY(mutex_);
};

pb::ReplicaStatus StatusOf(const ReplicaInfo& info) {
  pb::ReplicaStatus status;
  status.set_address(info.address);
  status.set_serving(info.serving);
  status.set_message(info.message);
  status.set_outstanding(info.outstanding);
  status.set_rows_per_second(info.rows_per_second);
  return status;
}

int StopStage(const std::string& name, ReplicaSet& replicas,
              const pb::StopRequest& request, absl::Duration timeout) {
  replicas.ResolveNow();
  const std::vector<ReplicaInfo> list = replicas.List();
  Answers answers(list.size());
  std::vector<absl::Status> statuses(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    StopReplica(*list[i].client, request, timeout,
                [&answers, &status = statuses[i]](
                    const absl::StatusOr<pb::StopResponse>& response) {
                  status = response.status();
                  answers.CountDown();
                });
  }
  answers.Wait();
  int acknowledged = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    if (statuses[i].ok())
      ++acknowledged;
    else
      LogError("replica not stopped", statuses[i],
               {{"stage", name}, {"replica", list[i].address}});
  }
  return acknowledged;
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
    for (const ReplicaInfo& info : replicas.List()) {
      pb::ReplicaStatus* const status = stage->add_replicas();
      *status = StatusOf(info);
      asked.emplace_back(status, info.client);
    }
  }
  Answers answers(asked.size());
  for (const auto& [status, client] : asked) {
    // Each answer writes to a message of its own.
    GetStats(*client, timeout,
             [status = status, &answers](absl::StatusOr<pb::ActorStats> stats) {
               if (stats.ok()) *status->mutable_stats() = *std::move(stats);
               answers.CountDown();
             });
  }
  answers.Wait();
  return topology;
}

int StopStages(const Dispatcher& dispatcher, pb::StopMode mode,
               absl::Duration timeout) {
  pb::StopRequest request;
  request.set_mode(mode);
  int acknowledged = 0;
  for (const std::string& name : dispatcher.Stages())
    acknowledged +=
        StopStage(name, *dispatcher.Replicas(name), request, timeout);
  return acknowledged;
}

}  // namespace troupe
