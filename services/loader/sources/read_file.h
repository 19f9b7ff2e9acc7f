// Reads from files.
//
// Thread safety: a function without state.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "services/loader/sources/file_descriptor.h"

namespace troupe::loader {

// Reads at most `size` bytes at `offset`, as many as there are; 0 at the end.
absl::StatusOr<size_t> ReadFileAt(const FileDescriptor& file, int64_t offset,
                                  char* buffer, size_t size);

}  // namespace troupe::loader
