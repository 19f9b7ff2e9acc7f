// A TableProfile is what `troupe init` knows of a table: its columns as the
// loader reads them, and the values in its first rows.
//
// Thread safety: as for a struct.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

struct ColumnProfile {
  std::string name;
  pb::DataType type = pb::DATA_TYPE_UNSPECIFIED;
  int64_t missing = 0;
  // How often each value comes, as text; beyond kMaxDistinct they are not told
  // apart any more.
  std::map<std::string, int64_t> values;
  bool many = false;  // More than kMaxDistinct.
  bool unique = true;
  bool counts_up = true;  // Whole numbers, each one more than the one before.

  bool is_number() const;
  bool is_time() const;
  size_t distinct() const { return values.size(); }
};

struct TableProfile {
  static constexpr size_t kMaxDistinct = 20'000;

  int64_t rows = 0;
  std::vector<ColumnProfile> columns;

  // Takes the columns of an INSPECT job.
  explicit TableProfile(const pb::Report& report);
  // Counts one row, a line of its output as JSON Lines.
  absl::Status Add(absl::string_view line);

 private:
  std::map<std::string, size_t> places_;
  std::vector<std::string> last_;  // Of each column, for counts_up.
};

// --- What the values say of how the table should be read
// ----------------------

// Whether the names look like a row: the file has no header.
bool NamesLookLikeValues(const TableProfile& table);

// Puts into `csv` what the values ask for: words for missing values ("?"),
// spaces behind delimiters, a decimal comma. Returns whether anything was put.
bool AdjustDialect(const TableProfile& table, pb::CsvOptions& csv);

}  // namespace troupe
