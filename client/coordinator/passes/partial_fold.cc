#include "client/coordinator/passes/partial_fold.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/passes/merge_call.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// The contract's bounds for one Merge and for one partial.
constexpr size_t kMaxPartials = 64;
constexpr int64_t kMaxBytes = int64_t{64} << 20;
constexpr int64_t kMaxPartialBytes = int64_t{32} << 20;
// So much is joined as soon as it is there: what waits is in memory, and is a
// second time while it is sent. Not beyond what one partial may be, or joining
// could make one that is too large before its time.
constexpr int64_t kWorthJoining = int64_t{16} << 20;

}  // namespace

absl::Status PartialFold::Add(std::vector<std::string> partials) {
  for (std::string& partial : partials) {
    const auto size = static_cast<int64_t>(partial.size());
    if (size > kMaxPartialBytes)
      return absl::InternalError(
          absl::StrCat("stage ", observe_->hop.stage, " made a partial of ",
                       size, " bytes; ", kMaxPartialBytes, " are allowed"));
    const bool worth =
        bytes_ - carried_ >= kWorthJoining && bytes_ <= kMaxPartialBytes;
    if (worth || partials_.size() == kMaxPartials ||
        bytes_ + size > kMaxBytes) {
      ASSIGN_OR_RETURN(pb::MergeResponse merged, Merge(false));
      if (!merged.has_partial())
        return absl::InternalError(
            absl::StrCat("stage ", observe_->hop.stage,
                         " answered a merge without a partial"));
      carried_ = static_cast<int64_t>(merged.partial().size());
      bytes_ = carried_;
      partials_.push_back(std::move(*merged.mutable_partial()));
    }
    bytes_ += size;
    partials_.push_back(std::move(partial));
  }
  return absl::OkStatus();
}

absl::StatusOr<pb::MergeResponse> PartialFold::Merge(bool last) {
  pb::MergeRequest request;
  *request.mutable_id() = context_->Batch(merges_++);
  request.set_purpose(observe_->purpose);
  *request.mutable_params() = observe_->hop.params;
  request.set_state(observe_->state);
  request.set_artifact(observe_->hop.artifact);
  *request.mutable_input() = *arriving_;
  for (std::string& partial : partials_)
    request.add_partials(std::move(partial));
  request.set_last(last);
  request.set_expected_rows(rows_);
  partials_.clear();
  bytes_ = 0;
  return CallMerge(*context_, observe_->hop.stage, std::move(request));
}

}  // namespace troupe
