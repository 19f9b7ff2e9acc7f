#include "client/coordinator/stages/dispatched_fit.h"

#include <utility>

#include "client/coordinator/stages/dispatch_core.h"
#include "services/base/errors.h"

namespace troupe {

DispatchedFit::DispatchedFit(std::weak_ptr<DispatchCore> core, FitCall call,
                             std::shared_ptr<Replica> replica)
    : core_(std::move(core)),
      call_(std::move(call)),
      replica_(std::move(replica)),
      stream_(replica_->client->Fit(call_.start, call_.options)) {
  if (const auto core = core_.lock()) core->AddFit(call_.job, this);
}

DispatchedFit::~DispatchedFit() {
  const auto core = core_.lock();
  if (core == nullptr) return;
  core->RemoveFit(call_.job, this);
  CallEnd end = EndOf(end_);
  // Our own cancelling says nothing about the replica.
  if (cancelled_) end.kind = CallEnd::Kind::kSilent;
  core->Find(call_.stage)->replicas->ReleaseFit(replica_, end);
}

absl::Status DispatchedFit::Seen(const absl::Status& status) {
  if (status.ok()) return status;
  end_ = status;
  return cancelled_ ? JobCancelled(call_.job) : status;
}

absl::Status DispatchedFit::Write(const TableBytes& table) {
  return Seen(stream_->Write(table));
}

absl::StatusOr<Learned> DispatchedFit::Finish() {
  absl::StatusOr<Learned> learned = stream_->Finish();
  const absl::Status status = Seen(learned.status());
  if (!status.ok()) return status;
  return learned;
}

void DispatchedFit::CancelByJob() {
  cancelled_ = true;
  stream_->Cancel();
}

}  // namespace troupe
