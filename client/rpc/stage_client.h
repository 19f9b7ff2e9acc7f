// A StageClient calls one replica of one stage (or of the loader). It neither
// retries nor chooses: that is the dispatcher's work.
//
// Errors come back as absl::Status with the reason and metadata of the replica
// (services/base/errors.h); errors of the transport carry no reason.
//
// Thread safety: all methods may be called from any thread. Callbacks run once
// each, on a thread that serves all calls: they must not block. A callback may
// run before the method that took it has returned.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/rpc/table_bytes.h"
#include "proto/pb.h"
#include "services/host/learned.h"
#include "troupe/v1/actor.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// One unary call to be made.
struct UnaryCall {
  std::string method;  // "/troupe.v1.Stage/Process"
  std::string header;  // The request, serialized, without its table.
  TableBytes table;
  absl::Duration timeout = absl::Seconds(60);
  std::string lane = "batch";
  absl::Duration work_limit;  // Zero: none.
  std::string trace;          // A traceparent; empty: none.
};

// What came back. `header` and `table` only with an OK status.
struct UnaryReply {
  absl::Status status;
  std::string header;
  TableBytes table;
};

// A call on its way.
class OpenCall {
 public:
  virtual ~OpenCall() = default;
  // Gives the call up: its callback runs with CANCELLED, unless the answer was
  // quicker. Idempotent, never blocks.
  virtual void Cancel() = 0;
};

struct FitOptions {
  absl::Duration timeout = absl::Hours(24);  // Of the whole.
  int64_t max_artifact_bytes = int64_t{4} << 30;
  // May be null. Called within Finish, on its thread.
  std::function<void(const pb::FitProgress&)> on_progress;
};

// One Fit on its way: tables in, what was learned out. From one thread, except
// Cancel. Destroying it before Finish cancels it.
class FitUpload {
 public:
  virtual ~FitUpload() = default;
  // Sends one table; waits until the transport takes it. After an error, which
  // is the call's final status, send no more.
  virtual absl::Status Write(const TableBytes& table) = 0;
  // Says that no more tables come, and waits for the answer, whole and of the
  // digest that it says. Otherwise INTERNAL (BAD_REPLY), RESOURCE_EXHAUSTED
  // (ARTIFACT_TOO_LARGE), or the call's error.
  virtual absl::StatusOr<Learned> Finish() = 0;
  // From any thread: ends Write and Finish with CANCELLED.
  virtual void Cancel() = 0;
};

class StageClient {
 public:
  virtual ~StageClient() = default;

  // Where the replica is: `ipv4:ADDRESS:PORT`.
  virtual const std::string& address() const = 0;

  // Whether a connection stands now. Where one was lost, the next call makes
  // another. Never blocks.
  virtual bool connected() const = 0;

  // Sends one message. The handle may be dropped; the call goes on without it.
  virtual std::shared_ptr<OpenCall> Call(
      UnaryCall call, std::function<void(UnaryReply)> done) = 0;

  // Stores an artifact there (Artifacts.Put).
  virtual std::shared_ptr<OpenCall> Put(
      const std::string& sha256, std::shared_ptr<const std::string> content,
      absl::Duration timeout, std::function<void(absl::Status)> done) = 0;

  // Opens a Fit and sends `start`; does not wait for it.
  virtual std::unique_ptr<FitUpload> Fit(const pb::FitStart& start,
                                         FitOptions options) = 0;
};

// --- Calls that every process answers ----------------------------------------

// OK when `service` ("": the whole process) says SERVING there; UNAVAILABLE
// (NOT_SERVING) when it says otherwise; else the error of the call.
void CheckHealth(StageClient& client, absl::string_view service,
                 absl::Duration timeout,
                 std::function<void(absl::Status)> done);

void GetStats(StageClient& client, absl::Duration timeout,
              std::function<void(absl::StatusOr<pb::ActorStats>)> done);

void StopReplica(StageClient& client, const pb::StopRequest& request,
                 absl::Duration timeout,
                 std::function<void(absl::StatusOr<pb::StopResponse>)> done);

}  // namespace troupe
