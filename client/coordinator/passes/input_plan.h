// How a job's input is cut into splits: all at once, before a job that has to
// know the whole of it (train, inspect), or page by page beside the work. Each
// page is journaled before its splits are used, so that a restart goes on with
// the same splits.
//
// Thread safety: everything belongs to the job's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/passes/job_input.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"
#include "troupe/v1/loader.pb.h"

namespace troupe {

// A whole input.
struct InputPlan {
  std::vector<pb::Split> splits;
  pb::Schema schema;  // Inferred; without roles.
  std::vector<int64_t> missing;
  pb::ShortRows short_rows;
  int64_t rows_rejected = 0;  // See PlanResponse.
  std::vector<pb::RejectedRow> first_rejected;
  std::vector<std::string> nested;  // See PlanResponse.
  int64_t rows = 0;
  int64_t bytes = 0;
  std::vector<pb::InputFile> inputs;

  std::vector<std::string> Columns() const;
};

// What validate_only looks at: as many rows, of the first page.
inline constexpr int64_t kSampleRows = 10'000;

// Cuts the input, and infers its types. Stops after `max_rows` rows (0: never).
// Where `journaled`, it goes on behind the pages that the journal holds.
absl::StatusOr<InputPlan> PlanWholeInput(JobContext& context,
                                         const JobInput& input,
                                         int64_t max_rows, bool journaled);

// Where one pass gets its splits from, in order.
class SplitSource {
 public:
  virtual ~SplitSource() = default;

  // Returns the next split; nullopt when none is known yet, or none will be.
  virtual std::optional<pb::Split> Next() = 0;

  // Whether Next will never return one again; then, why it ended early.
  virtual bool done() const = 0;
  virtual absl::Status status() const = 0;

  // The source's columns in file order. Complete once a split was returned.
  virtual const std::vector<std::string>& columns() const = 0;

  // Upper bound of the rows in the whole input; INT64_MAX where unknown.
  virtual int64_t rows_at_most() const = 0;
  // Bytes of text in the whole input; 0 where unknown.
  virtual int64_t total_bytes() const = 0;
  // The files that were read. Complete when done.
  virtual std::vector<pb::InputFile> inputs() const = 0;
};

// The splits of a plan, which must live as long as this object.
class PlannedSplits : public SplitSource {
 public:
  // From batch number `first` on.
  explicit PlannedSplits(const InputPlan* plan, int64_t first = 0)
      : plan_(plan),
        columns_(plan->Columns()),
        next_(static_cast<size_t>(first)) {}

  std::optional<pb::Split> Next() override;
  bool done() const override { return next_ >= plan_->splits.size(); }
  absl::Status status() const override { return absl::OkStatus(); }
  const std::vector<std::string>& columns() const override { return columns_; }
  int64_t rows_at_most() const override { return plan_->rows; }
  int64_t total_bytes() const override { return plan_->bytes; }
  std::vector<pb::InputFile> inputs() const override { return plan_->inputs; }

 private:
  const InputPlan* const plan_;
  const std::vector<std::string> columns_;
  size_t next_;
};

// Cuts the input for a pinned schema while earlier splits are worked on; one
// page ahead, so that memory does not grow with the input.
class StreamedSplits : public SplitSource {
 public:
  // `context` and `input` must live as long as this object. Where `journaled`,
  // the splits come from the journal as far as it holds them.
  StreamedSplits(JobContext* context, const JobInput* input, pb::Schema pinned,
                 bool journaled);

  // Begins with batch number `first`. Once, before Next.
  absl::Status Begin(int64_t first);
  ~StreamedSplits() override { *present_ = false; }

  std::optional<pb::Split> Next() override;
  bool done() const override { return last_page_seen_ && queue_.empty(); }
  absl::Status status() const override { return status_; }
  const std::vector<std::string>& columns() const override { return columns_; }
  int64_t rows_at_most() const override { return rows_at_most_; }
  int64_t total_bytes() const override { return total_bytes_; }
  std::vector<pb::InputFile> inputs() const override { return inputs_; }

 private:
  void AskForPage();
  absl::Status TakePage(const StageResult& result);
  void Follow(const pb::PlanResponse& page);

  JobContext* const context_;
  const JobInput* const input_;
  const pb::Schema pinned_;
  const bool journaled_;
  // Cleared by the destructor: a late page then does nothing.
  const std::shared_ptr<bool> present_ = std::make_shared<bool>(true);
  std::deque<pb::Split> queue_;
  std::vector<std::string> columns_;
  std::string cursor_;
  int64_t offset_ = 0;
  bool asking_ = false;
  bool last_page_seen_ = false;
  absl::Status status_;
  int64_t rows_at_most_ = INT64_MAX;
  int64_t total_bytes_;
  std::vector<pb::InputFile> inputs_;
};

}  // namespace troupe
