#include "services/loader/loader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_split.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"
#include "services/loader/split_loader.h"
#include "services/loader/split_planner.h"
#include "services/loader/split_text.h"
#include "services/table/row_split.h"
#include "services/table/wire.h"

ABSL_FLAG(std::vector<std::string>, roots, {"."},
          "directories below which files may be read, separated by commas");
ABSL_FLAG(int64_t, max_record_bytes, 8 << 20,
          "the longest record that is read, bytes (at most 64 MiB)");
ABSL_FLAG(int64_t, max_inflation, 200,
          "how many times its size a compressed file may grow beyond 64 MiB");
ABSL_FLAG(int64_t, cache_bytes, 256 << 20,
          "memory for tables that a training reads again, so that its text is "
          "parsed once; 0: parse it in every pass");

namespace troupe::loader {
namespace {

LoaderOptions OptionsFromFlags() {
  LoaderOptions options;
  options.roots = absl::GetFlag(FLAGS_roots);
  options.max_record_bytes = absl::GetFlag(FLAGS_max_record_bytes);
  options.max_inflation = absl::GetFlag(FLAGS_max_inflation);
  options.cache_bytes = absl::GetFlag(FLAGS_cache_bytes);
  return options;
}

template <typename Request>
const pb::InlineText* InlineTextOf(const Request& request) {
  return request.has_inline_text() ? &request.inline_text() : nullptr;
}

// The rows that are read for `request`. The last pass of a training also reads
// the rows for early stopping, so they are kept with those that the steps learn
// from.
pb::RowSet RowsToKeep(const pb::LoadRequest& request) {
  const bool more_later = request.read_again() &&
                          request.row_set() == pb::TRAIN_ROWS &&
                          request.row_split().validation() > 0;
  return more_later ? pb::TRAIN_AND_VALIDATION_ROWS : request.row_set();
}

// Of an answer with more rows, those of `rows`.
absl::Status Narrow(const pb::SplitSpec& split, pb::RowSet rows,
                    pb::LoadResponse& response) {
  const auto contains = [&](int64_t ordinal) {
    return Contains(rows, RoleOfRow(split, ordinal));
  };
  ASSIGN_OR_RETURN(const Table table, ParseTable(response.table()));
  std::vector<int64_t> wanted;
  for (int64_t i = 0; i < table.rows; ++i)
    if (contains(table.Ordinal(i))) wanted.push_back(i);
  ASSIGN_OR_RETURN(const RejectedRows all,
                   RejectedRows::FromProto(response.rejected()));
  const RejectedRows rejected = all.Select(contains);
  *response.mutable_rejected() = rejected.ToProto();
  Table narrowed = table.Select(wanted);
  response.set_rows(narrowed.rows);
  response.set_wanted(narrowed.rows + rejected.size());
  ASSIGN_OR_RETURN(*response.mutable_table(),
                   SerializeTable(std::move(narrowed)));
  return absl::OkStatus();
}

}  // namespace

Loader::Loader() : Loader(OptionsFromFlags()) {}

absl::Status Loader::OnStart() {
  if (options_.max_record_bytes < 1 ||
      options_.max_record_bytes > SplitPlanner::kMaxSplitBytes)
    return BadSpec("--max_record_bytes", "expected 1 to 67108864");
  if (options_.max_inflation < 1)
    return BadSpec("--max_inflation", "expected 1 or more");
  if (options_.cache_bytes < 0)
    return BadSpec("--cache_bytes", "expected 0 or more");
  ASSIGN_OR_RETURN(Roots roots, Roots::Open(options_.roots));
  files_ =
      std::make_unique<SourceFiles>(std::move(roots), options_.max_inflation);
  return absl::OkStatus();
}

void Loader::OnStop() {
  if (kept_.found() > 0)
    Log(LogLevel::kInfo, "tables kept were read again",
        {{"tables", kept_.found()}});
}

absl::StatusOr<pb::PlanResponse> Loader::Plan(pb::PlanRequest& request,
                                              const Context& context) {
  return SplitPlanner(options_, files_.get()).Plan(request, context);
}

absl::StatusOr<pb::LoadResponse> Loader::Load(pb::LoadRequest& request,
                                              const Context& context) {
  const pb::RowSet asked = request.row_set();
  request.set_row_set(RowsToKeep(request));
  std::optional<pb::LoadResponse> response = kept_.Find(request);
  if (response.has_value()) {
    RETURN_IF_ERROR(
        VerifySplit(request.split(), InlineTextOf(request), *files_));
  } else {
    if (!kept_.has_room()) request.set_row_set(asked);
    ASSIGN_OR_RETURN(response, Read(request, context));
    kept_.Keep(request, *response);
  }
  if (request.row_set() != asked)
    RETURN_IF_ERROR(Narrow(request.row_split(), asked, *response));
  return *std::move(response);
}

absl::StatusOr<pb::LoadResponse> Loader::Read(const pb::LoadRequest& request,
                                              const Context& context) {
  ASSIGN_OR_RETURN(const std::string text,
                   FetchSplit(request.source(), request.split(),
                              InlineTextOf(request), context, files_.get()));
  ASSIGN_OR_RETURN(LoadedSplit loaded,
                   LoadSplit(request, text, context, options_.simd));
  pb::LoadResponse response;
  response.set_rows(loaded.table.rows);
  response.set_wanted(loaded.wanted);
  response.set_bytes_per_row(loaded.bytes_per_row);
  if (loaded.short_rows.count() > 0)
    *response.mutable_short_rows() = loaded.short_rows;
  if (!loaded.rejected.empty())
    *response.mutable_rejected() = loaded.rejected.ToProto();
  ASSIGN_OR_RETURN(*response.mutable_table(),
                   SerializeTable(std::move(loaded.table)));
  return response;
}

absl::StatusOr<pb::ReadRecordsResponse> Loader::ReadRecords(
    pb::ReadRecordsRequest& request, const Context& context) {
  ASSIGN_OR_RETURN(const std::string text,
                   FetchSplit(request.source(), request.split(),
                              InlineTextOf(request), context, files_.get()));
  return FindRecords(request, text, context);
}

}  // namespace troupe::loader
