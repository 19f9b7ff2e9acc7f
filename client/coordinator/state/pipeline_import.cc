#include "client/coordinator/state/pipeline_import.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {

absl::StatusOr<pb::Pipeline> ImportPipeline(
    const pb::ImportPipelineRequest& request, UploadStore& uploads,
    const ArtifactStore& artifacts, PipelineRegistry& pipelines) {
  pb::Pipeline pipeline = request.pipeline();
  ASSIGN_OR_RETURN(const PipelineName name, ParsePipelineName(pipeline.name()));
  if (name.version != 0)
    return BadSpec("pipeline.name", "must be a name without a version");
  std::set<std::string> brought;
  for (const std::string& id : request.uploads()) {
    ASSIGN_OR_RETURN(const StoredUpload upload, uploads.Get(id));
    ASSIGN_OR_RETURN(const std::string content,
                     ReadFileRange(upload.path, 0, upload.bytes));
    ASSIGN_OR_RETURN(const std::string sha256, artifacts.Put(content));
    brought.insert(sha256);
  }
  for (const pb::Hop& hop : pipeline.hops())
    if (!hop.artifact().empty() && brought.count(hop.artifact()) == 0)
      return BadSpec("uploads",
                     absl::StrCat("none of them is artifact ", hop.artifact(),
                                  " of stage \"", hop.stage(), "\""));
  pipeline.clear_version();
  ASSIGN_OR_RETURN(pipeline, pipelines.Register(pipeline, ""));
  for (const std::string& id : request.uploads())
    uploads.Delete(id).IgnoreError();  // Otherwise it goes in a day.
  return pipeline;
}

}  // namespace troupe
