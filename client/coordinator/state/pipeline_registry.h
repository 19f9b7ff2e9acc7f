// The PipelineRegistry keeps fitted pipelines: immutable versions `name@N`.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/coordinator/state/database.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// `name@N`; `name@label`; or `name` for the newest version. Where `version` is
// 0, it is one of the other two.
struct PipelineName {
  std::string name;
  int64_t version = 0;
  std::string label;
};
// BAD_SPEC (field `pipeline`) when `text` is none of them.
absl::StatusOr<PipelineName> ParsePipelineName(absl::string_view text);

// `name@N` of a version.
std::string VersionName(const pb::Pipeline& pipeline);

class PipelineRegistry {
 public:
  // `database` must live as long as this object.
  explicit PipelineRegistry(Database* database) : database_(database) {}

  // Stores `pipeline` under its name's next version, and returns it with that
  // version set. A version number is never given twice, also after a deletion.
  // Returns the version that `job` (where not empty) stored before, if it did.
  absl::StatusOr<pb::Pipeline> Register(pb::Pipeline pipeline,
                                        absl::string_view job);

  // Rises with every version that is stored or deleted: what Get returned
  // before is known to be good while it stays.
  int64_t changes() const { return changes_.load(); }

  // Returns one version, that of a label, or the newest, with its labels.
  // PIPELINE_NOT_FOUND with the nearest name.
  absl::StatusOr<pb::Pipeline> Get(absl::string_view pipeline);

  // A page of the newest versions of every name, or of all versions of one, by
  // name, then version, without specs and artifacts. BAD_SPEC for a token that
  // this did not return.
  absl::StatusOr<pb::ListPipelinesResponse> List(
      const pb::ListPipelinesRequest& request);

  // OK while `version` (NAME@N) is there; PIPELINE_NOT_FOUND.
  static absl::Status Check(Connection& connection, absl::string_view version);

  // Deletes one version. Idempotent. BAD_SPEC without a version.
  // PIPELINE_IN_USE while a job that has not ended names it, PIPELINE_LABELLED
  // while a label points to it.
  absl::Status Delete(absl::string_view pipeline);

  // Lets a label point to a version (of `name@N`), at `time`, or to none any
  // more (of `name`). Whoever asks for the label later gets that version.
  // BAD_SPEC, PIPELINE_NOT_FOUND.
  absl::Status SetLabel(const pb::SetLabelRequest& request, absl::Time time);

  // All moves of a name's labels, the last first, at most a thousand.
  absl::StatusOr<pb::ListLabelsResponse> Labels(const std::string& name);

 private:
  Database* const database_;
  std::atomic<int64_t> changes_{0};
};

}  // namespace troupe
