// A BatchFlow takes one batch through the hops of a pass: Load, Process at each
// hop, and where the pass observes, Observe at the end. Where the loader or a
// hop would make more than one message may hold, its rows go piece by piece,
// each piece all the way before the next. A piece whose text turns out too
// large is asked for again as two.
//
// Thread safety: everything belongs to the job's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/passes/job_input.h"
#include "proto/pb.h"
#include "services/table/rejected_rows.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// A value and its share of validity, at most, of a table as it was loaded.
inline constexpr int64_t kLoadedBytesPerValue = 9;

// One hop of a pass.
struct FlowHop {
  std::string stage;
  pb::StageParams params;
  std::string artifact;  // SHA-256; empty where nothing was fitted.
  pb::TableForm form = pb::TABLE_FORM_UNSPECIFIED;
  int64_t output_bytes_per_row = 0;
};

// What ends a pass that observes.
struct FlowObserve {
  FlowHop hop;
  pb::ObservePurpose purpose = pb::FITTING_PASS;
  std::string state;  // SHA-256; empty in the first pass.
};

// What every batch of a pass goes through.
struct FlowPlan {
  pb::Schema columns;  // Those that are loaded, with roles.
  pb::RowSet rows = pb::ALL_ROWS;
  pb::SplitSpec row_split;
  bool target_required = false;
  std::vector<FlowHop> hops;
  std::optional<FlowObserve> observe;
  // Given: the last hop (without hops, the loader) answers its rows rendered.
  std::optional<pb::TextForm> text;
  bool read_rejected_text = false;  // For the rejects file.
  // Of passes over the same rows: the loader may keep what it read for the
  // next, and is asked again where it may have been kept.
  bool read_again = false;
  bool read_before = false;
};

// Rows that went through all hops at once, as a table or as text.
struct BatchPiece {
  TableBytes table;
  int64_t rows = 0;
};

// What came out of a batch, in order.
struct BatchOutput {
  std::vector<BatchPiece> pieces;     // Not where observed.
  std::vector<std::string> partials;  // Where observed.

  bool empty() const { return pieces.empty() && partials.empty(); }
};

// What became of a batch.
struct BatchResult {
  pb::Split split;
  absl::Status status;
  int64_t wanted = 0;  // Rows read: those in the end, and the rejected ones.
  int64_t rows_ok = 0;
  pb::ShortRows short_rows;
  RejectedRows rejected;                   // Rising.
  std::vector<std::string> rejected_text;  // One each, where asked for.
};

class BatchFlow {
 public:
  // Begins at once, and goes on within the context's Pump until done or
  // destroyed. All pointers must outlive it.
  BatchFlow(JobContext* context, const JobInput* input, const FlowPlan* plan,
            const std::vector<std::string>& source_columns, pb::Split split);
  ~BatchFlow() { *present_ = false; }
  BatchFlow(const BatchFlow&) = delete;
  BatchFlow& operator=(const BatchFlow&) = delete;

  bool done() const { return done_; }
  // Takes what has come out since the last call.
  BatchOutput TakeOutput() { return std::exchange(output_, {}); }
  // Only when done.
  const BatchResult& result() const { return result_; }

  // Memory that a batch may take in its widest hop, in bytes.
  static int64_t Weight(const FlowPlan& plan, const pb::Split& split,
                        int64_t max_batch_bytes);

 private:
  // A table that stands before a hop (the split's text, before the loader), and
  // how much of it has gone through.
  struct Level {
    TableBytes table;
    int64_t bytes = 0;
    int64_t rows = 0;
    int64_t next = 0;   // Behind the piece that is on its way.
    int64_t piece = 0;  // How many rows that has.
    int64_t most = std::numeric_limits<int64_t>::max();  // That one may have.
  };

  // Whether what comes behind the loader and `hops` hops is text.
  bool TextBehind(size_t hops) const {
    return plan_->text.has_value() && hops == plan_->hops.size();
  }
  absl::Status Advance();
  absl::Status SendPiece();
  absl::Status SendLoad(const pb::RowRange* rows);
  void SendProcess(const FlowHop& hop, const pb::RowRange* rows, bool text);
  void SendObserve(const pb::RowRange* rows);
  template <typename Request>
  void SendTable(const FlowHop& hop, const char* method, Request request,
                 const pb::RowRange* rows, std::vector<std::string> artifacts,
                 absl::Status (BatchFlow::*take)(StageResult));
  void PassOn(TableBytes table, int64_t rows);
  absl::Status TakeLoaded(StageResult result);
  absl::Status TakeProcessed(StageResult result);
  absl::Status SendLess(const absl::Status& too_large);
  absl::Status TakeObserved(StageResult result);
  absl::Status FinishRows();
  void Finish(absl::Status status);
  absl::Status ReadRejectedText();

  // Wraps a step that takes a reply: nothing happens after the destructor, and
  // an error finishes the batch.
  std::function<void(StageResult)> Step(
      absl::Status (BatchFlow::*take)(StageResult));
  absl::Status TakeRejectedText(StageResult result);

  JobContext* const context_;
  const JobInput* const input_;
  const FlowPlan* const plan_;
  const std::vector<std::string>& source_columns_;
  const std::shared_ptr<bool> present_ = std::make_shared<bool>(true);
  // The first stands before the loader, the one behind it before hop 0, ...
  std::vector<Level> levels_;
  BatchOutput output_;
  BatchResult result_;
  bool done_ = false;
};

// How many rows of a table fit into one message when they leave a hop.
int64_t RowsPerPiece(int64_t rows, int64_t table_bytes,
                     int64_t output_bytes_per_row, int64_t max_bytes);

}  // namespace troupe
