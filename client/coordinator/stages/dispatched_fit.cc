#include "client/coordinator/stages/dispatched_fit.h"

#include <utility>

#include "services/base/errors.h"

namespace troupe {

DispatchedFit::DispatchedFit(std::weak_ptr<DispatchCore> core, FitCall call,
                             std::shared_ptr<Replica> replica)
    : core_(std::move(core)),
      call_(std::move(call)),
      replica_(std::move(replica)),
      stream_(replica_->client->Fit(call_.start, call_.options)) {
  if (const auto core = core_.lock())
    number_ = core->AddFit(call_.job, this, replica_->address);
}

DispatchedFit::~DispatchedFit() {
  End(absl::OkStatus());
  if (const auto core = core_.lock()) core->RemoveFit(call_.job, this);
}

void DispatchedFit::End(const absl::Status& status) {
  const auto core = core_.lock();
  const int64_t number = std::exchange(number_, -1);
  if (core == nullptr || number < 0) return;
  CallEnd end = EndOf(status);
  // Our own cancelling says nothing about the replica.
  if (cancelled_) end.kind = CallEnd::Kind::kSilent;
  DispatchCore::Stage& stage = *core->Find(call_.stage);
  died_ = core->EndFit(stage, replica_, number, end, status) && !cancelled_;
  unrest_ = died_ && core->OthersLost(stage, *replica_, call_.quiet_since);
}

absl::Status DispatchedFit::Seen(const absl::Status& status) {
  if (status.ok()) return status;
  End(status);
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
