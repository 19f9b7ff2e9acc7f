#include "client/coordinator/passes/batch_pass.h"

#include <deque>
#include <memory>
#include <utility>

#include "client/coordinator/passes/row_place.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// Batches that become durable together, at most.
constexpr int kMaxCommit = 64;

// The batches under way, oldest first.
class Window {
 public:
  explicit Window(const JobLimits& limits)
      : max_bytes_(limits.window_bytes), max_batches_(limits.window_batches) {}

  bool Admits(int64_t bytes) const {
    if (batches_.empty() && popped_ == 0) return true;
    return static_cast<int>(batches_.size()) + popped_ < max_batches_ &&
           bytes_ + bytes <= max_bytes_;
  }
  void Push(std::unique_ptr<BatchFlow> flow, int64_t bytes) {
    bytes_ += bytes;
    batches_.push_back({std::move(flow), bytes});
  }
  // The batch leaves; its credit stays taken until Release.
  std::unique_ptr<BatchFlow> Pop() {
    std::unique_ptr<BatchFlow> flow = std::move(batches_.front().flow);
    popped_bytes_ += batches_.front().bytes;
    ++popped_;
    batches_.pop_front();
    return flow;
  }
  void Release() {
    bytes_ -= std::exchange(popped_bytes_, 0);
    popped_ = 0;
  }

  bool empty() const { return batches_.empty(); }
  int popped() const { return popped_; }
  // The oldest; null where there is none.
  BatchFlow* front() const {
    return batches_.empty() ? nullptr : batches_.front().flow.get();
  }
  bool front_done() const { return front() != nullptr && front()->done(); }

 private:
  struct Batch {
    std::unique_ptr<BatchFlow> flow;
    int64_t bytes = 0;
  };

  const int64_t max_bytes_;
  const int max_batches_;
  std::deque<Batch> batches_;
  int popped_ = 0;
  int64_t bytes_ = 0;  // Also of the popped ones.
  int64_t popped_bytes_ = 0;
};

// Puts as many batches on their way as the window admits.
class Feeder {
 public:
  Feeder(JobContext* context, const JobInput* input, const FlowPlan* plan,
         SplitSource* splits)
      : context_(context), input_(input), plan_(plan), splits_(splits) {}

  void Fill(Window& window) {
    while (true) {
      if (!next_.has_value()) next_ = splits_->Next();
      if (!next_.has_value()) return;
      const int64_t weight =
          BatchFlow::Weight(*plan_, *next_, context_->limits().max_batch_bytes);
      if (!window.Admits(weight)) return;
      window.Push(std::make_unique<BatchFlow>(
                      context_, input_, plan_, splits_->columns(),
                      *std::exchange(next_, std::nullopt)),
                  weight);
    }
  }
  bool done() const { return !next_.has_value() && splits_->done(); }

 private:
  JobContext* const context_;
  const JobInput* const input_;
  const FlowPlan* const plan_;
  SplitSource* const splits_;
  std::optional<pb::Split> next_;  // Waits for the window.
};

}  // namespace

absl::Status RunPass(JobContext& context, const JobInput& input,
                     const FlowPlan& plan, SplitSource& splits,
                     RejectAccount& account, const BatchSink& sink) {
  Window window(context.limits());
  Feeder feeder(&context, &input, &plan, &splits);
  context.meter().SetTotal(splits.total_bytes());
  const auto take = [&](BatchFlow& flow) {
    BatchOutput output = flow.TakeOutput();
    return output.empty() ? absl::OkStatus() : sink.take(std::move(output));
  };
  const auto finish = [&](BatchFlow& flow) -> absl::Status {
    const BatchResult& result = flow.result();
    RETURN_IF_ERROR(result.status);
    absl::Status counted =
        account.Add(result.wanted, result.rejected, splits.rows_at_most());
    if (!counted.ok())
      return AtRow(context, input, {result.split}, std::move(counted));
    account.AddShort(result.short_rows);
    RETURN_IF_ERROR(take(flow));
    if (sink.end) RETURN_IF_ERROR(sink.end(result));
    context.meter().SetTotal(splits.total_bytes());
    context.meter().Add(result.wanted, result.rejected.size(),
                        result.split.bytes(),
                        context.environment().clock->Monotonic());
    return absl::OkStatus();
  };
  while (true) {
    feeder.Fill(window);
    absl::Status taken;
    while (taken.ok() && window.front_done() && window.popped() < kMaxCommit)
      taken = finish(*window.Pop());
    if (window.popped() > 0) {
      // Also when one failed: those before it need not be done again.
      if (sink.commit) RETURN_IF_ERROR(sink.commit());
      RETURN_IF_ERROR(taken);
      window.Release();
      continue;
    }
    if (window.empty() && feeder.done()) break;
    if (window.front() != nullptr) RETURN_IF_ERROR(take(*window.front()));
    if (!window.front_done()) RETURN_IF_ERROR(context.Pump());
  }
  RETURN_IF_ERROR(splits.status());
  return account.Finish();
}

}  // namespace troupe
