// A pass takes every split of the input through a flow, several at once, and
// hands the results over in input order.
//
// Flow control: a batch takes its whole credit, for its widest hop, before it
// is loaded, in input order; the oldest is always admitted. So memory is
// bounded by the job's window, and a batch that is wider than the window still
// goes through, alone.
//
// Results do not depend on timing: they are written by number, and so are
// errors. The pass ends with the error of the earliest batch that has one.
//
// Thread safety: everything belongs to the job's thread.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "client/coordinator/passes/batch_flow.h"
#include "client/coordinator/passes/input_plan.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/passes/job_input.h"
#include "client/coordinator/passes/reject_account.h"

namespace troupe {

// Where a pass's results go, in input order. All may Pump.
struct BatchSink {
  // Takes what has come out of the oldest batch: some of it as soon as it is
  // there, however large the whole, and the rest when the batch is done.
  std::function<absl::Status(BatchOutput)> take;
  // Where given: ends the batch, of which everything was taken.
  std::function<absl::Status(const BatchResult&)> end;
  // Where given: makes the batches that ended durable; they give their credit
  // back only afterwards.
  std::function<absl::Status()> commit;
};

// Runs the pass. Bad rows are entered into `account`, whose verdict ends it.
absl::Status RunPass(JobContext& context, const JobInput& input,
                     const FlowPlan& plan, SplitSource& splits,
                     RejectAccount& account, const BatchSink& sink);

}  // namespace troupe
