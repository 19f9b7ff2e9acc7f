// A Context is what a handler may know about the message it handles: until when
// it has to be answered, whether anybody still waits, and who asked.
//
// Thread safety: all const methods from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace troupe {

// Set once, when nobody wants the answer any more: the caller left, the
// deadline or the work limit passed, or the process stops at once.
class CancelToken {
 public:
  virtual ~CancelToken() = default;

  void Cancel() { cancelled_.store(true, std::memory_order_release); }
  // Tests replace it, to cancel at a chosen look.
  virtual bool cancelled() const {
    return cancelled_.load(std::memory_order_acquire);
  }

  // The handler enforces the work limit itself, piece by piece.
  void TakeOverWorkLimit() { own_limit_.store(true); }
  bool own_limit() const { return own_limit_.load(); }

 private:
  std::atomic<bool> own_limit_{false};
  std::atomic<bool> cancelled_{false};
};

// What travels with a message besides its payload.
struct CallInfo {
  // Monotonic time (Clock::Monotonic); infinite where the caller set none.
  absl::Duration deadline = absl::InfiniteDuration();
  // Longest time in the handler; infinite where the caller set none.
  absl::Duration work_limit = absl::InfiniteDuration();
  std::string trace;  // W3C traceparent; may be empty.
};

class Context {
 public:
  // `credit` tells how many more messages the mailbox would take; it must be
  // callable from any thread.
  Context(CallInfo info, std::shared_ptr<CancelToken> token,
          std::function<int64_t()> credit = nullptr)
      : info_(std::move(info)),
        token_(std::move(token)),
        credit_(std::move(credit)) {}

  bool cancelled() const { return token_->cancelled(); }
  const CallInfo& info() const { return info_; }

  // From now on the handler enforces the work limit itself: the supervisor
  // does not.
  void TakeOverWorkLimit() const { token_->TakeOverWorkLimit(); }

  // How many more messages this message's mailbox would take now.
  int64_t credit() const { return credit_ ? credit_() : 0; }

 private:
  const CallInfo info_;
  const std::shared_ptr<CancelToken> token_;
  const std::function<int64_t()> credit_;
};

}  // namespace troupe
