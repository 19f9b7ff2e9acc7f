// Isolation handles a batch in child processes: when it kills one, or takes too
// long, the rows that do it are found by halving, and rejected (STAGE_CRASH,
// STAGE_TIMEOUT); the batch then runs without them, as if they were absent.
//
// A child that somebody kills (SIGKILL, SIGTERM and the like) is started anew,
// and the rows are judged again; only after 8 kills in a row that counts as
// their own doing, since the kernel kills what eats all memory, too.
//
// Rows that kill only together are processed in pieces, and the answers joined.
// What they are together cannot be observed in pieces: Observe then fails
// (ISOLATION_GAVE_UP). So does what is not done by the caller's deadline: a row
// that hangs among 100,000 takes about 17 times the limit to find.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/pb.h"
#include "services/actor/context.h"
#include "services/base/mutex.h"
#include "services/host/isolated_process.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// By --isolate_memory_bytes and --isolate_time_limit.
IsolationLimits IsolationLimitsFromFlags();

class Isolation {
 public:
  explicit Isolation(IsolationLimits limits) : limits_(std::move(limits)) {}

  absl::StatusOr<pb::ProcessResponse> Process(pb::ProcessRequest& request,
                                              const Context& context);
  absl::StatusOr<pb::ObserveResponse> Observe(pb::ObserveRequest& request,
                                              const Context& context);
  // One message as a whole; INTERNAL (`reason`) when it kills the child.
  absl::StatusOr<std::string> CallWhole(
      absl::string_view method, const google::protobuf::MessageLite& request,
      absl::string_view reason, const Context& context);

  // An artifact arrived. Its bytes are kept only when an isolated batch asked
  // for it before: then they go to children. In all at most `artifact_bytes` of
  // the limits; the least recently used are dropped.
  void OfferArtifact(absl::string_view sha256, const std::string& bytes);

 private:
  struct Wanted {
    absl::Duration until;
    std::shared_ptr<const std::string> bytes;
  };

  // ARTIFACT_MISSING makes the caller put it again; its bytes are then kept.
  absl::StatusOr<std::shared_ptr<const std::string>> BytesOf(
      const std::string& sha256);
  template <typename Request, typename Response>
  absl::StatusOr<Response> Run(absl::string_view method, Request& request,
                               const std::vector<std::string>& artifacts,
                               const Context& context);

  void MakeRoom(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const IsolationLimits limits_;
  Mutex mutex_;
  std::map<std::string, Wanted> wanted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
