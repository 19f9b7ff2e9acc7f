// The ControlService answers troupe.v1.Actor beside the mailboxes: Stop,
// GetStats, WatchStats.
//
// Thread safety: its methods run on the polling thread; none blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/pb.h"
#include "services/actor/lane_set.h"
#include "services/host/rpc_adapter.h"
#include "troupe/v1/actor.pb.h"

namespace troupe {

class ControlService {
 public:
  // Stops the process; nullopt: as long as the flag says. Returns whether this
  // call began it. Must not block.
  using StopFunction =
      std::function<bool(StopMode mode, std::optional<absl::Duration>)>;

  // `lanes` must live as long as this object.
  ControlService(std::string service, std::string replica, const LaneSet* lanes,
                 StopFunction stop);

  // Serves the methods. This object must outlive the adapter.
  absl::Status RegisterAt(RpcAdapter& adapter);

  pb::ActorStats Stats() const;

 private:
  absl::StatusOr<grpc::ByteBuffer> Stop(grpc::ByteBuffer& bytes);
  absl::Status WatchStats(grpc::ByteBuffer& bytes,
                          std::shared_ptr<Watch> watch);

  const std::string service_;
  const std::string replica_;
  const LaneSet* const lanes_;
  const StopFunction stop_;
  const absl::Duration started_;
};

}  // namespace troupe
