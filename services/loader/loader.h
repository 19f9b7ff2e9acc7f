// The Loader reads tables: it plans splits, and loads one split as one batch.
//
// Thread safety: see services/actor/actor.h; lanes share the open files, which
// lock for themselves.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "services/base/clock.h"
#include "services/host/loader_actor.h"
#include "services/loader/kept_loads.h"
#include "services/loader/options.h"
#include "services/loader/sources/source_files.h"

namespace troupe::loader {

class Loader : public LoaderActor {
 public:
  static constexpr absl::string_view kName = "loader";

  // As the flags --roots, --max_record_bytes, --max_inflation and --cache_bytes
  // say.
  Loader();
  explicit Loader(LoaderOptions options, const Clock* clock = Clock::Real())
      : options_(std::move(options)), kept_(options_.cache_bytes, clock) {}

  // ROOT_NOT_FOUND when a root is no directory.
  absl::Status OnStart() override;
  // Logs how many answers were found kept.
  void OnStop() override;

  // As proto/troupe/v1/loader.proto says.
  absl::StatusOr<pb::PlanResponse> Plan(pb::PlanRequest& request,
                                        const Context& context) override;
  absl::StatusOr<pb::LoadResponse> Load(pb::LoadRequest& request,
                                        const Context& context) override;
  absl::StatusOr<pb::ReadRecordsResponse> ReadRecords(
      pb::ReadRecordsRequest& request, const Context& context) override;

  // The answers that jobs will read again.
  const KeptLoads& kept() const { return kept_; }

 private:
  // Parses the split's text.
  absl::StatusOr<pb::LoadResponse> Read(const pb::LoadRequest& request,
                                        const Context& context);

  const LoaderOptions options_;
  KeptLoads kept_;
  std::unique_ptr<SourceFiles> files_;
};

}  // namespace troupe::loader
