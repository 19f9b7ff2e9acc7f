#include "services/host/control_service.h"

#include <algorithm>
#include <utility>

#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/process_memory.h"
#include "services/host/rpc_payload.h"

namespace troupe {
namespace {

pb::ActorState ToProto(ActorState state) {
  switch (state) {
    case ActorState::kStarting:
      return pb::STARTING;
    case ActorState::kReady:
      return pb::READY;
    case ActorState::kDraining:
      return pb::DRAINING;
    case ActorState::kStopped:
      return pb::STOPPED;
  }
  return pb::ACTOR_STATE_UNSPECIFIED;
}

void ToProto(const LaneSnapshot& shot, pb::LaneStats* lane) {
  const LaneCounters& counters = shot.counters;
  lane->set_name(shot.name);
  lane->set_depth(shot.depth);
  lane->set_capacity(shot.capacity);
  lane->set_depth_bytes(shot.depth_bytes);
  lane->set_capacity_bytes(shot.capacity_bytes);
  lane->set_in_flight(counters.in_flight);
  lane->set_oldest_age_seconds(absl::ToDoubleSeconds(shot.oldest_age));
  lane->set_running_seconds(absl::ToDoubleSeconds(shot.running_time));
  lane->set_running_method(shot.running_method);
  lane->set_accepted(counters.accepted);
  lane->set_succeeded(counters.succeeded);
  lane->set_failed(counters.failed);
  lane->set_expired(counters.expired);
  lane->set_cancelled(counters.cancelled);
  lane->set_bounced(counters.bounced);
  lane->mutable_rejected()->insert(counters.rejected.begin(),
                                   counters.rejected.end());
  lane->set_waited_seconds(absl::ToDoubleSeconds(counters.waited));
  lane->set_worked_seconds(absl::ToDoubleSeconds(counters.worked));
  lane->set_rows(counters.rows);
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

}  // namespace

ControlService::ControlService(std::string service, std::string replica,
                               const LaneSet* lanes, StopFunction stop)
    : service_(std::move(service)),
      replica_(std::move(replica)),
      lanes_(lanes),
      stop_(std::move(stop)),
      started_(Clock::Real()->Monotonic()) {}

absl::Status ControlService::RegisterAt(RpcAdapter& adapter) {
  adapter.AddInline("troupe.v1.Actor/Stop",
                    [this](grpc::ByteBuffer& bytes) { return Stop(bytes); });
  adapter.AddInline("troupe.v1.Actor/GetStats", [this](grpc::ByteBuffer&) {
    return SerializeBytes(Stats());
  });
  adapter.AddWatch("troupe.v1.Actor/WatchStats",
                   [this](grpc::ByteBuffer& bytes, auto watch) {
                     return WatchStats(bytes, std::move(watch));
                   });
  return adapter.AddService("troupe.v1.Actor");
}

pb::ActorStats ControlService::Stats() const {
  pb::ActorStats stats;
  stats.set_service(service_);
  stats.set_replica(replica_);
  stats.set_state(ToProto(lanes_->state()));
  for (const LaneSnapshot& shot : lanes_->Snapshot())
    ToProto(shot, stats.add_lanes());
  stats.set_uptime_seconds(
      absl::ToDoubleSeconds(Clock::Real()->Monotonic() - started_));
  stats.set_version(TROUPE_VERSION);
  stats.set_rss_bytes(ResidentBytes());
  stats.set_peak_rss_bytes(PeakResidentBytes());
  return stats;
}

absl::StatusOr<grpc::ByteBuffer> ControlService::Stop(grpc::ByteBuffer& bytes) {
  pb::StopRequest request;
  RETURN_IF_ERROR(ParseBytes(bytes, request));
  std::optional<absl::Duration> drain_time;
  if (request.has_deadline()) {
    drain_time = ToDuration(request.deadline());
    if (*drain_time < absl::ZeroDuration())
      return BadSpec("deadline", "must not be negative");
  }
  const StopMode mode =
      request.mode() == pb::NOW ? StopMode::kNow : StopMode::kDrain;
  pb::StopResponse response;
  response.set_began(stop_(mode, drain_time));
  return SerializeBytes(response);
}

absl::Status ControlService::WatchStats(grpc::ByteBuffer& bytes,
                                        std::shared_ptr<Watch> watch) {
  pb::WatchStatsRequest request;
  RETURN_IF_ERROR(ParseBytes(bytes, request));
  const absl::Duration interval = request.has_interval()
                                      ? ToDuration(request.interval())
                                      : absl::Seconds(1);
  watch->SendEvery(
      std::clamp(interval, absl::Milliseconds(100), absl::Hours(1)),
      [this] { return SerializeBytes(Stats()).value_or(grpc::ByteBuffer()); });
  return absl::OkStatus();
}

}  // namespace troupe
