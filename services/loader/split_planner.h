// A SplitPlanner cuts an input into splits, one page at a time.
//
// Thread safety: any thread; a page is planned on its caller's.
#pragma once

#include "absl/status/statusor.h"
#include "services/actor/context.h"
#include "services/loader/options.h"
#include "services/loader/sources/source_files.h"
#include "troupe/v1/loader.pb.h"

namespace troupe::loader {

class SplitPlanner {
 public:
  static constexpr int kMaxSplitsPerPage = 64;
  static constexpr int kMaxColumns = 10'000;
  static constexpr int64_t kDefaultSplitBytes = 4 << 20;
  static constexpr int64_t kMaxSplitBytes = 64 << 20;
  // What is kept of a row, rejected or not, is larger than the shortest row.
  static constexpr int64_t kMaxSplitRows = 1 << 16;
  static constexpr int64_t kMaxInlineBytes = 8 << 20;

  // `files` must outlive the planner.
  SplitPlanner(const LoaderOptions& options, SourceFiles* files)
      : options_(options), files_(*files) {}

  // See Loader.Plan. With a pinned schema only records are counted: nothing is
  // parsed. A split may not be followed at once by the next: blank lines and
  // comments between them belong to neither. A column's type is STRING as long
  // as there are no rows, FLOAT64 when no row has a value.
  absl::StatusOr<pb::PlanResponse> Plan(const pb::PlanRequest& request,
                                        const Context& context);

 private:
  const LoaderOptions options_;
  SourceFiles& files_;
};

}  // namespace troupe::loader
