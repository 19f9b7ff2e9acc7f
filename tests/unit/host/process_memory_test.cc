#include "services/host/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace troupe {
namespace {

TEST(ProcessMemory, PeakStaysWhereResidentFalls) {
  constexpr size_t kBytes = size_t{64} << 20;
  const int64_t before = ResidentBytes();
  ASSERT_GT(before, 0);
  void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kBytes);
  // The kernel counts pages in lots: a few may be missing.
  constexpr int64_t kMost = kBytes / 10 * 9;
  EXPECT_GT(ResidentBytes(), before + kMost);
  munmap(memory, kBytes);
  EXPECT_LT(ResidentBytes(), before + kMost);
  EXPECT_GT(PeakResidentBytes(), before + kMost);
}

}  // namespace
}  // namespace troupe
