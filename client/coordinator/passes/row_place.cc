#include "client/coordinator/passes/row_place.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"

namespace troupe {

absl::Status AtRow(JobContext& context, const JobInput& input,
                   const std::vector<pb::Split>& splits, absl::Status error) {
  const ErrorMetadata metadata = MetadataOf(error);
  const auto named = metadata.find("row");
  int64_t row = 0;
  if (named == metadata.end() || !absl::SimpleAtoi(named->second, &row))
    return error;
  const auto after = std::upper_bound(
      splits.begin(), splits.end(), row,
      [](int64_t r, const pb::Split& split) { return r < split.first_row(); });
  if (after == splits.begin()) return error;
  const pb::Split& split = *(after - 1);
  const std::string& file = split.file().empty() ? input.name() : split.file();
  if (row - split.first_row() >= split.rows() ||
      absl::StartsWith(error.message(), absl::StrCat(file, ":")))
    return error;
  auto request = input.ReadRecords(split, {row});
  if (!request.ok()) return error;
  const auto records = context.Call<pb::ReadRecordsResponse>(
      "loader", stage_method::kReadRecords, *std::move(request), {},
      input.Affinity(context.id(), split.file()));
  if (!records.ok() || records->lines_size() != 1) return error;
  return WithPrefix(error, absl::StrCat(file, ":", records->lines(0)));
}

}  // namespace troupe
