#include "client/coordinator/batch_pass.h"

#include <deque>
#include <memory>
#include <utility>

#include "services/base/status_macros.h"

namespace troupe {
namespace {

// The batches under way, oldest first.
class Window {
 public:
  explicit Window(const JobLimits& limits)
      : max_bytes_(limits.window_bytes), max_batches_(limits.window_batches) {}

  bool Admits(int64_t bytes) const {
    if (batches_.empty()) return true;
    return static_cast<int>(batches_.size()) < max_batches_ &&
           bytes_ + bytes <= max_bytes_;
  }
  void Push(std::unique_ptr<BatchFlow> flow, int64_t bytes) {
    bytes_ += bytes;
    batches_.push_back({std::move(flow), bytes});
  }
  std::unique_ptr<BatchFlow> Pop() {
    std::unique_ptr<BatchFlow> flow = std::move(batches_.front().flow);
    bytes_ -= batches_.front().bytes;
    batches_.pop_front();
    return flow;
  }

  bool empty() const { return batches_.empty(); }
  bool front_done() const {
    return !batches_.empty() && batches_.front().flow->done();
  }

 private:
  struct Batch {
    std::unique_ptr<BatchFlow> flow;
    int64_t bytes = 0;
  };

  const int64_t max_bytes_;
  const int max_batches_;
  std::deque<Batch> batches_;
  int64_t bytes_ = 0;
};

}  // namespace

absl::Status RunPass(JobContext& context, const JobInput& input,
                     const FlowPlan& plan, SplitSource& splits,
                     RejectAccount& account, const CommitBatch& commit) {
  Window window(context.limits());
  std::optional<pb::Split> next;  // Waits for the window.
  while (true) {
    while (true) {
      if (!next.has_value()) next = splits.Next();
      if (!next.has_value()) break;
      const int64_t weight =
          BatchFlow::Weight(plan, *next, context.limits().max_batch_bytes);
      if (!window.Admits(weight)) break;
      window.Push(
          std::make_unique<BatchFlow>(&context, &input, &plan, splits.columns(),
                                      *std::exchange(next, std::nullopt)),
          weight);
    }
    while (window.front_done()) {
      const std::unique_ptr<BatchFlow> flow = window.Pop();
      BatchResult& result = flow->result();
      RETURN_IF_ERROR(result.status);
      RETURN_IF_ERROR(
          account.Add(result.wanted, result.rejected, splits.rows_at_most()));
      RETURN_IF_ERROR(commit(result));
      context.meter().SetTotal(splits.total_bytes());
      context.meter().Add(
          result.wanted, static_cast<int64_t>(result.rejected.size()),
          result.split.bytes(), context.environment().clock->Monotonic());
    }
    if (window.empty() && !next.has_value() && splits.done()) break;
    if (!window.front_done()) RETURN_IF_ERROR(context.Pump());
  }
  RETURN_IF_ERROR(splits.status());
  return account.Finish();
}

}  // namespace troupe
