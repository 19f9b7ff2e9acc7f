#include "services/base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace troupe {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Bits reversed.

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// Table k steps a byte that k more bytes follow.
constexpr Tables MakeTables() {
  Tables tables = {};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  return tables;
}

constexpr Tables kTables = MakeTables();

uint64_t LoadWord(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

#if defined(__x86_64__)
// The instruction takes three cycles and may begin in each: so three stretches
// of this length are gone through at once.
constexpr size_t kStretch = 4096;

// What a register becomes by kStretch bytes that are zero, for each value of
// each of its four bytes; what it becomes as a whole is their XOR.
class Stretch {
 public:
  Stretch() {
    for (uint32_t bit = 0; bit < 32; ++bit) {
      uint32_t crc = uint32_t{1} << bit;
      for (size_t i = 0; i < kStretch; ++i)
        crc = (crc >> 8) ^ kTables[0][crc & 0xff];
      for (uint32_t value = 0; value < 256; ++value)
        if ((value >> bit % 8 & 1) != 0) steps_[bit / 8][value] ^= crc;
    }
  }

  uint32_t Pass(uint64_t crc) const {
    return steps_[0][crc & 0xff] ^ steps_[1][crc >> 8 & 0xff] ^
           steps_[2][crc >> 16 & 0xff] ^ steps_[3][crc >> 24 & 0xff];
  }

 private:
  std::array<std::array<uint32_t, 256>, 4> steps_ = {};
};

__attribute__((target("sse4.2"))) uint32_t ExtendByInstruction(
    uint32_t before, absl::string_view text) {
  static const Stretch stretch;
  uint64_t crc = ~before;
  const char* p = text.data();
  size_t left = text.size();
  for (; left >= 3 * kStretch; left -= 3 * kStretch, p += 3 * kStretch) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (const char* q = p; q < p + kStretch; q += 8) {
      crc = _mm_crc32_u64(crc, LoadWord(q));
      second = _mm_crc32_u64(second, LoadWord(q + kStretch));
      third = _mm_crc32_u64(third, LoadWord(q + 2 * kStretch));
    }
    crc = stretch.Pass(stretch.Pass(crc) ^ second) ^ third;
  }
  for (; left >= 8; left -= 8, p += 8) crc = _mm_crc32_u64(crc, LoadWord(p));
  auto tail = static_cast<uint32_t>(crc);
  for (; left > 0; --left, ++p)
    tail = _mm_crc32_u8(tail, static_cast<unsigned char>(*p));
  return ~tail;
}
#endif

}  // namespace

uint32_t ExtendCrc32cByTable(uint32_t crc, absl::string_view text) {
  crc = ~crc;
  const char* p = text.data();
  size_t left = text.size();
  // Eight bytes at a time, assuming little-endian words as the whole wire does.
  for (; left >= 8; left -= 8, p += 8) {
    const uint64_t word = LoadWord(p) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k)
      crc ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; left > 0; --left, ++p)
    crc =
        (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*p)) & 0xff];
  return ~crc;
}

uint32_t ExtendCrc32c(uint32_t crc, absl::string_view text) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ExtendByInstruction(crc, text);
#endif
  return ExtendCrc32cByTable(crc, text);
}

uint32_t Crc32c(absl::string_view text) { return ExtendCrc32c(0, text); }

}  // namespace troupe
