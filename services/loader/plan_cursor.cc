#include "services/loader/plan_cursor.h"

#include <limits>

#include "services/base/errors.h"
#include "services/host/resumable_sha256.h"
#include "services/loader/split_planner.h"

namespace troupe::loader {
namespace {

// Counters are added up: half the range keeps the sums in it.
bool IsCount(int64_t value) {
  return value >= 0 && value < std::numeric_limits<int64_t>::max() / 2;
}

bool HasSaneCounters(const pb::PlanCursor& cursor) {
  return IsCount(cursor.offset()) && IsCount(cursor.line()) &&
         IsCount(cursor.rows()) && IsCount(cursor.splits()) &&
         IsCount(cursor.text_before()) && IsCount(cursor.good_rows()) &&
         cursor.good_rows() <= cursor.rows() &&
         IsCount(cursor.skipped_lines()) &&
         IsCount(cursor.short_rows().count()) &&
         cursor.short_rows().count() <= cursor.rows() &&
         IsCount(cursor.rejected_rows()) &&
         cursor.rejected_rows() <= cursor.rows() &&
         cursor.rejected_size() <= cursor.rejected_rows();
}

bool HasSaneColumns(const pb::PlanCursor& cursor) {
  if (cursor.columns_size() > SplitPlanner::kMaxColumns ||
      cursor.columns_size() != cursor.evidence_size() ||
      cursor.columns_size() != cursor.present_size() ||
      cursor.columns_size() != cursor.missing_numbers_size())
    return false;
  // They come with the first header.
  if (cursor.columns_size() > 0 && cursor.file() == 0 && !cursor.header_read())
    return false;
  for (const int64_t missing : cursor.missing_numbers())
    if (missing < 0 || missing > cursor.good_rows()) return false;
  for (const int64_t present : cursor.present())
    if (present < 0 || present > cursor.good_rows()) return false;
  return true;
}

bool HasSaneFiles(const pb::PlanCursor& cursor, bool inline_text) {
  if (inline_text) return cursor.files().empty() && cursor.file() == 0;
  int64_t bytes = 0;
  for (const pb::FileIdentity& file : cursor.files()) {
    if (!IsCount(file.bytes()) || !IsCount(bytes += file.bytes())) return false;
  }
  return cursor.file() >= 0 && cursor.file() < cursor.files_size();
}

}  // namespace

absl::StatusOr<pb::PlanCursor> ParseCursor(const pb::PlanRequest& request) {
  pb::PlanCursor cursor;
  if (!cursor.ParseFromString(request.cursor()) || !HasSaneCounters(cursor) ||
      !HasSaneColumns(cursor) ||
      !HasSaneFiles(cursor, request.has_inline_text()) ||
      !ResumableSha256::Resume(cursor.sha256(), cursor.offset()).has_value())
    return BadMessage("the cursor is not one of this loader's");
  return cursor;
}

std::vector<std::string> ColumnsOf(const pb::PlanCursor& cursor) {
  return {cursor.columns().begin(), cursor.columns().end()};
}

}  // namespace troupe::loader
