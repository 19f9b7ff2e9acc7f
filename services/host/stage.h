// A Stage is an actor of the pipeline: what `troupe.v1.Stage` asks of it, as
// typed methods. Derive from it, override what the stage does, and run it:
//
//   int main(int argc, char** argv) {
//     return troupe::RunActor<troupe::feature::Feature>(argc, argv);
//   }
//
// Requests are handed over as mutable so that their table can be moved out.
// Methods that are not overridden answer UNIMPLEMENTED (UNKNOWN_METHOD).
//
// Rows that are wanted as text are asked of Process as COLUMNS, and rendered
// behind it.
//
// A request with `isolate` is handled by the same methods, but in a child
// process (services/host/isolation.h): so they may be called in a process that
// serves nobody else, and LoadArtifact and OnStart before them.
//
// Thread safety: see services/actor/actor.h. One object serves all lanes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/actor/actor.h"
#include "services/host/artifact_cache.h"
#include "services/host/isolation.h"
#include "services/host/learned.h"
#include "services/host/merge_pieces.h"
#include "services/host/service_provider.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// The tables of a Fit as they arrive, and the way back for its progress. From
// the thread that fits.
class FitStream {
 public:
  virtual ~FitStream() = default;

  // Waits for the next table. Returns its serialized form, nullopt after the
  // last one, or an error when the caller left or the process stops.
  virtual absl::StatusOr<std::optional<std::string>> Next() = 0;

  // Tells the caller how far the fit is. Call it as often as there is news: a
  // few per second arrive. Never blocks.
  virtual void Tell(const pb::FitProgress& progress) = 0;
};

class Stage : public Actor, public ServiceProvider {
 public:
  // The flag --artifact_cache_bytes bounds its artifacts.
  Stage();

  // troupe.v1.Stage and troupe.v1.Artifacts.
  std::vector<std::string> ActorServices() override;

  // Checks params, says what leaves. The metadata `field` of an error is the
  // path within StageParams, made by BadSpec.
  virtual absl::StatusOr<pb::DescribeResponse> Describe(
      pb::DescribeRequest& request, const Context& context);
  virtual absl::StatusOr<pb::ProcessResponse> Process(
      pb::ProcessRequest& request, const Context& context);
  virtual absl::StatusOr<pb::ObserveResponse> Observe(
      pb::ObserveRequest& request, const Context& context);
  // What it fitted may be of any size: it leaves in pieces.
  virtual absl::StatusOr<pb::MergeResponse> Merge(pb::MergeRequest& request,
                                                  const Context& context);
  // The artifact may be of any size: it leaves in pieces.
  virtual absl::StatusOr<Learned> Fit(const pb::FitStart& start,
                                      FitStream& tables,
                                      const Context& context);

  // Turns the bytes of an artifact (or of a pass's state) into its form in
  // memory, once, when it arrives. The bytes are hostile: an error
  // (ArtifactCorrupt) refuses them.
  virtual absl::StatusOr<std::shared_ptr<const Artifact>> LoadArtifact(
      std::string bytes);

  // Fitted things that were put here.
  ArtifactCache& artifacts() { return artifacts_; }

  Isolation& isolation() { return isolation_; }

  // Parses, calls the method above, serializes. `id` and `credit` of the
  // replies are filled in here.
  absl::StatusOr<Reply> OnReceive(Message& message,
                                  const Context& context) final;

 private:
  absl::StatusOr<pb::MergeResponse> MergeInPieces(pb::MergeRequest& request,
                                                  const Context& context);
  absl::StatusOr<pb::ProcessResponse> ProcessHereOrIsolated(
      pb::ProcessRequest& request, const Context& context);
  absl::StatusOr<pb::ObserveResponse> ObserveHereOrIsolated(
      pb::ObserveRequest& request, const Context& context);

  ArtifactCache artifacts_;
  Isolation isolation_;
  MergePieces merged_;
};

}  // namespace troupe
