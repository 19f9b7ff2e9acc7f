#include "client/coordinator/jobs/pinned_chain.h"

#include <utility>

namespace troupe {

PinnedChain PinChain(pb::Pipeline pipeline, pb::JobKind kind,
                     const pb::OutputSpec& output) {
  PinnedChain chain;
  const bool with_model = kind != pb::TRANSFORM;
  for (const pb::Hop& stored : pipeline.hops()) {
    if (stored.params().has_model() && !with_model) continue;
    PlannedHop planned;
    planned.stage = stored.stage();
    planned.params = stored.params();
    if (planned.is_model())
      *planned.params.mutable_model()->mutable_output() = output;
    FlowHop hop;
    hop.stage = stored.stage();
    hop.params = planned.params;
    hop.artifact = stored.artifact();
    hop.output_bytes_per_row = stored.output_bytes_per_row();
    hop.form =
        planned.makes_features() && with_model ? pb::MATRIX : pb::COLUMNS;
    chain.planned.push_back(std::move(planned));
    chain.hops.push_back(std::move(hop));
  }
  chain.pipeline = std::move(pipeline);
  return chain;
}

}  // namespace troupe
