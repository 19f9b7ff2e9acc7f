#include "services/actor/envelope.h"

#include <utility>

#include "services/base/errors.h"
#include "services/base/log.h"

namespace troupe {

Envelope::Envelope(Message message, CallInfo info,
                   std::shared_ptr<CancelToken> token, ReplyCallback on_reply)
    : message_(std::move(message)),
      info_(std::move(info)),
      token_(std::move(token)),
      on_reply_(std::move(on_reply)) {}

Envelope::~Envelope() {
  if (answered_.load(std::memory_order_acquire)) return;
  Answer(Outcome::kFailed,
         HandlerFailed(message_.method, "the message was dropped unanswered"));
}

void Envelope::Accept(std::shared_ptr<Stats> stats, absl::Duration now) {
  stats_ = std::move(stats);
  accepted_at_ = now;
  stats_->Accept();
}

bool Envelope::Answer(Outcome outcome, absl::StatusOr<Reply> reply,
                      absl::Duration worked) {
  if (answered_.exchange(true, std::memory_order_acq_rel)) {
    Log(LogLevel::kDebug, "late answer ignored", {{"method", message_.method}});
    return false;
  }
  // Before the callback: a caller who has the answer finds it counted.
  if (stats_ != nullptr)
    stats_->Settle(outcome, {waited_, worked, reply.ok() ? reply->rows : 0});
  const ReplyCallback on_reply = std::move(on_reply_);
  on_reply(std::move(reply));
  return true;
}

}  // namespace troupe
