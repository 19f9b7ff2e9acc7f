#include "services/preprocessor/transforms/one_hot_column.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/preprocessor/numeric_column.h"

namespace troupe::preprocessor {

absl::Status CheckOutputNames(const Field& column, size_t outputs) {
  constexpr size_t kMaxNameBytes = size_t{64} << 20;
  if (outputs <= kMaxNameBytes / (column.name.size() + 1))
    return absl::OkStatus();
  return ArtifactCorrupt(absl::StrCat(
      "a column with a name of ", column.name.size(), " bytes would become ",
      outputs, " columns; rename it first"));
}

Outputs OneHotOutputs(const Field& column,
                      const std::vector<std::string>& suffixes) {
  Outputs outputs;
  outputs.in_place.reserve(suffixes.size());
  for (const std::string& suffix : suffixes)
    outputs.in_place.push_back(
        {absl::StrCat(column.name, "_", suffix), pb::FLOAT64, column.role});
  return outputs;
}

std::vector<Column> OneHotColumns(const std::vector<int32_t>& numbers,
                                  size_t outputs) {
  std::vector<std::string> buffers(
      outputs, std::string(numbers.size() * sizeof(double), '\0'));
  for (size_t row = 0; row < numbers.size(); ++row) {
    if (numbers[row] < 0) continue;
    std::string& buffer = buffers[static_cast<size_t>(numbers[row])];
    reinterpret_cast<double*>(buffer.data())[row] = 1;
  }
  std::vector<Column> columns;
  columns.reserve(outputs);
  for (std::string& buffer : buffers)
    columns.push_back(
        DenseDoubles(std::move(buffer), static_cast<int64_t>(numbers.size())));
  return columns;
}

}  // namespace troupe::preprocessor
