// A PlanPage is one call of SplitPlanner::Plan: it goes on where the cursor
// stands, and leaves the cursor where the next page begins.
//
// Thread safety: one thread; used once.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "services/actor/context.h"
#include "services/host/resumable_sha256.h"
#include "services/loader/column_evidence.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/options.h"
#include "services/loader/record_cutter.h"
#include "services/loader/sources/source_files.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/plan_cursor.pb.h"

namespace troupe::loader {

class PlanPage {
 public:
  // `cursor` is valid (see plan_cursor.h). All references must outlive the
  // page.
  PlanPage(const pb::PlanRequest& request, const Dialect& dialect,
           const LoaderOptions& options, const Context& context,
           SourceFiles* files, pb::PlanCursor cursor);

  absl::StatusOr<pb::PlanResponse> Run();

 private:
  bool inline_text() const { return request_.has_inline_text(); }
  bool infer() const { return !request_.has_pinned(); }
  absl::Status CutSplits();
  absl::Status OpenReader();
  absl::Status BeginFile();
  absl::StatusOr<bool> CutSplit();
  absl::Status AddSplit(const Cut& cut);
  absl::Status EndFile();
  void AddDigest();
  absl::Status CheckProgress() const;
  void KeepReader();
  int64_t EstimateTotal() const;
  pb::Compression compression() const;
  const std::string& name() const;

  const pb::PlanRequest& request_;
  const Dialect& dialect_;
  const LoaderOptions& options_;
  const Context& context_;
  SourceFiles& files_;
  const int64_t begin_offset_;
  const int64_t split_bytes_;
  pb::PlanCursor cursor_;
  ResumableSha256 digest_;  // Of what the reader has left behind in the file.
  std::unique_ptr<TextReader> reader_;
  std::optional<ColumnEvidence> evidence_;
  pb::PlanResponse response_;
  bool done_ = false;       // Nothing follows.
  bool exhausted_ = false;  // The inline text is used up, but it is not all.
};

}  // namespace troupe::loader
