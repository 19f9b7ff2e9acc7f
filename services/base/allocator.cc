#include "services/base/allocator.h"

#include <malloc.h>

namespace troupe {

void TuneAllocator() {
  // Both thresholds: setting one freezes the other at a value that is worse
  // than the default.
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_ARENA_MAX, 1);
}

}  // namespace troupe
