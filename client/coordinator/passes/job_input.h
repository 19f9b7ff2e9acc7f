// A JobInput is what a job reads: a source below the loader's roots, or an
// upload whose text travels inside the requests. It makes the requests to the
// loader.
//
// Thread safety: const methods from any thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/coordinator/state/upload_store.h"
#include "proto/pb.h"
#include "troupe/v1/loader.pb.h"

namespace troupe {

class JobInput {
 public:
  explicit JobInput(pb::Source source) : source_(std::move(source)) {}
  // Format is taken from the upload's name where the source says none; the text
  // is plain.
  JobInput(pb::Source source, StoredUpload upload);

  const pb::Source& source() const { return source_; }
  const std::string& name() const;
  // Of its text, where that is known beforehand: an upload's; 0 otherwise.
  int64_t bytes() const { return upload_.has_value() ? upload_->bytes : 0; }

  // Ask for the page after `cursor`, whose text begins at `offset`.
  absl::StatusOr<pb::PlanRequest> Plan(const std::string& cursor,
                                       int64_t offset) const;
  absl::StatusOr<pb::LoadRequest> Load(const pb::Split& split) const;
  absl::StatusOr<pb::ReadRecordsRequest> ReadRecords(
      const pb::Split& split, const std::vector<int64_t>& rows) const;

  // Which replica goes on quickest: compressed files are inflated in order, so
  // all requests should meet at one. "" where it does not matter.
  std::string Affinity(const std::string& job, const std::string& file) const;

 private:
  absl::StatusOr<pb::InlineText> Text(int64_t offset, int64_t bytes) const;

  pb::Source source_;
  std::optional<StoredUpload> upload_;
};

}  // namespace troupe
