#include "client/coordinator/online/online_version.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/pinned_chain.h"
#include "client/coordinator/jobs/planner.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "services/base/errors.h"

namespace troupe {

absl::StatusOr<std::shared_ptr<const OnlineVersion>> MakeOnlineVersion(
    pb::Pipeline pipeline, int64_t max_batch_bytes) {
  auto version = std::make_shared<OnlineVersion>();
  version->name = VersionName(pipeline);
  if (!pipeline.spec().has_model())
    return BadSpec("pipeline",
                   absl::StrCat(version->name,
                                " has no model, so that it predicts nothing"));
  pb::OutputSpec output = pipeline.spec().output();
  output.set_format(pb::JSONL);
  PinnedChain chain = PinChain(std::move(pipeline), pb::SCORE, output);
  // As a file of JSON Lines is scored.
  pb::Source lines;
  lines.set_path("request.jsonl");
  pb::LoadRequest& load = version->load;
  *load.mutable_source() = MergeSource(chain.pipeline.spec().source(), lines);
  load.mutable_source()->set_format(pb::JSONL);
  load.mutable_source()->set_compression(pb::NONE);
  *load.mutable_schema() =
      Without(chain.pipeline.input(), {pb::TARGET, pb::WEIGHT});
  for (const pb::Field& field : load.schema().fields())
    load.add_source_columns(field.name());
  load.set_row_set(pb::ALL_ROWS);
  load.mutable_inline_text()->set_name("request");
  load.mutable_inline_text()->set_last(true);
  load.mutable_split()->set_first_line(1);

  *version->text.mutable_output() = output;
  for (const pb::Field& field : chain.pipeline.output().fields())
    version->text.add_columns(field.name());
  version->text.set_max_bytes(max_batch_bytes);
  version->hops = std::move(chain.hops);
  version->stages = {"loader"};
  int64_t widest =
      std::max(1, load.schema().fields_size()) * kLoadedBytesPerValue;
  for (const FlowHop& hop : version->hops) {
    widest = std::max(widest, hop.output_bytes_per_row);
    if (!absl::c_linear_search(version->stages, hop.stage))
      version->stages.push_back(hop.stage);
  }
  version->max_rows = std::max<int64_t>(1, max_batch_bytes / widest);
  return version;
}

}  // namespace troupe
