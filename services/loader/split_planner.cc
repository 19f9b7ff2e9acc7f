#include "services/loader/split_planner.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/plan_cursor.h"
#include "services/loader/plan_page.h"
#include "services/loader/source_spec.h"
#include "services/table/table.h"

namespace troupe::loader {
namespace {

absl::Status CheckRequest(const pb::PlanRequest& request) {
  if (request.split_bytes() < 0 ||
      request.split_bytes() > SplitPlanner::kMaxSplitBytes)
    return BadMessage(absl::StrCat("split_bytes is ", request.split_bytes(),
                                   "; it must be 0 to ",
                                   SplitPlanner::kMaxSplitBytes));
  if (request.max_rows() < 0) return BadMessage("max_rows is negative");
  if (request.max_splits() < 0 ||
      request.max_splits() > SplitPlanner::kMaxSplitsPerPage)
    return BadMessage(absl::StrCat("max_splits is ", request.max_splits(),
                                   "; it must be 1 to ",
                                   SplitPlanner::kMaxSplitsPerPage));
  for (const auto& [name, type] : request.source().types())
    if (!IsFileType(static_cast<pb::DataType>(type)))
      return BadSpec(
          absl::StrCat("source.types.", name),
          "expected bool, int64, float64, string, date or timestamp");
  for (const auto& [name, format] : request.source().time_formats()) {
    const auto type = request.source().types().find(name);
    if (type == request.source().types().end() || !IsTime(type->second))
      return BadSpec(absl::StrCat("source.types.", name),
                     "has a format; say date or timestamp, too");
    RETURN_IF_ERROR(TimeFormatOf(request.source(), name).status());
  }
  return absl::OkStatus();
}

// The text must be where the cursor stands.
absl::Status CheckInlineText(const pb::InlineText& text, int64_t offset) {
  if (text.text().size() > SplitPlanner::kMaxInlineBytes)
    return BadMessage(absl::StrCat("inline text of ", text.text().size(),
                                   " bytes; at most ",
                                   SplitPlanner::kMaxInlineBytes));
  if (text.offset() != offset)
    return BadMessage(absl::StrCat("inline text at ", text.offset(),
                                   "; the cursor stands at ", offset));
  return absl::OkStatus();
}

// Files of several formats are no table.
absl::Status CheckOneFormat(const pb::Source& source,
                            const pb::PlanCursor& cursor,
                            const Dialect& dialect) {
  for (const pb::FileIdentity& file : cursor.files()) {
    ASSIGN_OR_RETURN(const Dialect other, ResolveDialect(source, file.path()));
    if (other.format != dialect.format)
      return BadInput(
          file.path(), 0, 0,
          absl::StrCat("another format than \"", cursor.files(0).path(), "\""));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<pb::PlanResponse> SplitPlanner::Plan(
    const pb::PlanRequest& request, const Context& context) {
  RETURN_IF_ERROR(CheckRequest(request));
  const bool first = request.cursor().empty();
  pb::PlanCursor cursor;
  cursor.set_line(1);
  if (!first) {
    ASSIGN_OR_RETURN(cursor, ParseCursor(request));
  } else if (!request.has_inline_text()) {
    ASSIGN_OR_RETURN(const std::vector<pb::FileIdentity> files,
                     files_.Identify(request.source().path()));
    cursor.mutable_files()->Add(files.begin(), files.end());
  }
  if (request.has_inline_text())
    RETURN_IF_ERROR(CheckInlineText(request.inline_text(), cursor.offset()));
  const std::string& name = request.has_inline_text()
                                ? request.inline_text().name()
                                : cursor.files(0).path();
  ASSIGN_OR_RETURN(const Dialect dialect,
                   ResolveDialect(request.source(), name));
  RETURN_IF_ERROR(CheckOneFormat(request.source(), cursor, dialect));
  const google::protobuf::RepeatedPtrField<pb::FileIdentity> files =
      first ? cursor.files()
            : google::protobuf::RepeatedPtrField<pb::FileIdentity>();
  PlanPage page(request, dialect, options_, context, &files_,
                std::move(cursor));
  ASSIGN_OR_RETURN(pb::PlanResponse response, page.Run());
  *response.mutable_files() = files;
  return response;
}

}  // namespace troupe::loader
