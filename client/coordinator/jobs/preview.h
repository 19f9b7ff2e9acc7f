// A Preview collects the first rows of a table that comes in pieces.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/table/column_builder.h"
#include "services/table/table.h"

namespace troupe {

class Preview {
 public:
  explicit Preview(int64_t wanted_rows) : wanted_(wanted_rows) {}

  bool full() const { return rows_ >= wanted_; }
  // Adds rows until full. All tables have the columns of the first one.
  void Add(const Table& table);
  // The serialized table; empty where no table came. RESOURCE_EXHAUSTED
  // (MESSAGE_TOO_LARGE).
  absl::StatusOr<std::string> Finish();

 private:
  const int64_t wanted_;
  int64_t rows_ = 0;
  int64_t first_row_ = 0;
  Schema schema_;
  std::vector<ColumnBuilder> builders_;
};

}  // namespace troupe
