// What waits for what in a company, and what a user can do about it.
//
// Thread safety: a function without state.
#pragma once

#include <string>
#include <vector>

#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// A sentence for each thing that holds work up or soon will, the worst first:
// stages without a replica, replicas that do not serve, disks that are full,
// the stage that the others wait for, and jobs that wait for their turn.
// `waiting`: some of the jobs that are STALLED or DISK_FULL.
std::vector<std::string> StatusAdvice(const pb::Topology& topology,
                                      const std::vector<pb::Job>& waiting);

// "2 jobs run, 1 of them stalled; 3 wait for their turn (8 run at once)".
std::string JobsLine(const pb::JobQueue& jobs);

}  // namespace troupe
