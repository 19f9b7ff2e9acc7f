// What GetTopology tells and Stop does, over all replicas of all stages.
//
// Thread safety: functions; they block for at most their timeout, whatever name
// servers and replicas do. Not on a thread of the timers or of an RpcThread.
#pragma once

#include "absl/time/time.h"
#include "client/coordinator/stages/dispatcher.h"
#include "proto/pb.h"
#include "troupe/v1/actor.pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// Every stage and replica that is known, in pipeline order, with the statistics
// of those that answer within `timeout`. `coordinator` is left to the caller.
pb::Topology DescribeTopology(const Dispatcher& dispatcher,
                              absl::Duration timeout = absl::Seconds(1));

// Looks all stages up afresh and tells every replica to stop, in pipeline order
// and without waiting for one before the next: the coordinator, which calls
// them, has ceased to. Replicas that cannot be reached are logged and passed
// over. Returns how many acknowledged. The caller stops itself afterwards.
int StopStages(const Dispatcher& dispatcher, pb::StopMode mode,
               absl::Duration timeout);

}  // namespace troupe
