// How much a page of a list holds.
//
// Thread safety: as for a struct.
#pragma once

#include <algorithm>
#include <cstdint>

namespace troupe {

// What a caller asked for, 100 where nothing, at most 1,000.
inline int64_t PageSize(int64_t asked) {
  return asked <= 0 ? 100 : std::min<int64_t>(asked, 1000);
}

// From so many bytes on, a page ends early: a reply must stay far below what a
// message may be, whatever its rows hold.
inline constexpr int64_t kPageBytes = int64_t{1} << 20;

}  // namespace troupe
