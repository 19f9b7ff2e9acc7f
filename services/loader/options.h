// What a loader is told when it starts.
//
// Thread safety: as for a struct.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/loader/formats/block_masks.h"

namespace troupe::loader {

struct LoaderOptions {
  // Directories below which files may be read.
  std::vector<std::string> roots = {"."};
  // The longest record; what is longer ends the plan.
  int64_t max_record_bytes = 8 << 20;
  // How many times its size a compressed file may grow (beyond 64 MiB).
  int64_t max_inflation = 200;
  // Memory for tables that a job will read again; 0: none is kept.
  int64_t cache_bytes = 256 << 20;
  // How text is searched; the results are the same.
  SimdLevel simd = BestSimdLevel();
};

}  // namespace troupe::loader
