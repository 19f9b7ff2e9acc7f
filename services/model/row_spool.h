// A RowSpool keeps the feature rows of a training in a scratch file without a
// name, so that they need no memory until they are mapped, and are gone with
// the process.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace troupe::model {

class RowSpool {
 public:
  // Creates the file in `directory`. FAILED_PRECONDITION (SCRATCH_FAILED) when
  // that cannot be written.
  static absl::StatusOr<std::unique_ptr<RowSpool>> Create(
      const std::string& directory, int64_t cols);
  ~RowSpool();
  RowSpool(const RowSpool&) = delete;
  RowSpool& operator=(const RowSpool&) = delete;

  // Appends one row of `cols` values. RESOURCE_EXHAUSTED (SCRATCH_FULL) when
  // the volume is full.
  absl::Status Append(const float* row);

  // Maps all rows, row-major; the pointer lives as long as the spool. Nothing
  // may be appended afterwards. nullptr when there are no values.
  absl::StatusOr<const float*> Map();

  // Takes mapped rows before `end` out of our memory; whoever looks at them
  // again reads them again.
  void Release(int64_t end) const;

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }

 private:
  RowSpool(int file, int64_t cols) : file_(file), cols_(cols) {}
  absl::Status Flush();

  const int file_;
  const int64_t cols_;
  int64_t rows_ = 0;
  std::string pending_;
  void* mapped_ = nullptr;
  size_t mapped_bytes_ = 0;
};

}  // namespace troupe::model
