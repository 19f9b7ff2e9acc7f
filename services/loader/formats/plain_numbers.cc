#include "services/loader/formats/plain_numbers.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#endif

namespace troupe::loader {

#if defined(__x86_64__)
namespace {

#define WITH_AVX2 __attribute__((target("avx2,bmi,popcnt")))
#define INLINE_WITH_AVX2 \
  __attribute__((target("avx2,bmi,popcnt"), always_inline)) inline

constexpr size_t kDigits = 16;
constexpr uint32_t kNoPoint = kDigits;
// Whole numbers up to here are doubles, and so are powers of ten up to 10^22:
// their quotient is rounded once, and is thus the nearest double.
constexpr uint64_t kExact = uint64_t{1} << 53;

constexpr std::array<double, kDigits> kPowersOfTen = {
    1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

// Loaded from its byte n on: a vector of whose bytes the last n are set.
template <size_t kVector>
constexpr std::array<uint8_t, 2 * kVector> MakeLast() {
  std::array<uint8_t, 2 * kVector> last = {};
  for (size_t i = kVector; i < last.size(); ++i) last[i] = 0xff;
  return last;
}
constexpr auto kLast = MakeLast<kDigits>();
constexpr auto kLongLast = MakeLast<2 * kDigits>();

// Row p moves the bytes before byte p one to the right, over it.
using Shuffles = std::array<std::array<uint8_t, kDigits>, kDigits + 1>;
constexpr Shuffles MakeShuffles() {
  Shuffles shuffles = {};
  for (size_t point = 0; point <= kDigits; ++point)
    for (size_t i = 0; i < kDigits; ++i)
      shuffles[point][i] =
          static_cast<uint8_t>(point == kDigits || i > point ? i
                               : i == 0                      ? 0x80
                                                             : i - 1);
  return shuffles;
}
constexpr Shuffles kWithoutPoint = MakeShuffles();

// The last 16 bytes of a cell as digits.
struct Digits {
  __m128i values;  // 0 where the point is, and before the first digit.
  uint32_t point = kNoPoint;  // Where in `values`.
  bool negative = false;
};

// Whether the cell at [begin, end) is a plain number.
INLINE_WITH_AVX2 bool FindDigits(const char* text, size_t begin, size_t end,
                                 __m128i point, Digits* digits) {
  // The load must not reach before the text.
  if (end < kDigits || begin >= end) return false;
  const char first = text[begin];
  digits->negative = first == '-';
  const size_t count = end - begin - (first == '-' || first == '+' ? 1 : 0);
  if (count - 1 >= kDigits) return false;
  const __m128i last =
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(kLast.data() + count));
  const __m128i bytes =
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + end - kDigits));
  const __m128i values =
      _mm_and_si128(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), last);
  const __m128i is_point = _mm_cmpeq_epi8(values, point);
  digits->values = _mm_andnot_si128(is_point, values);
  const __m128i nine = _mm_set1_epi8(9);
  const __m128i is_digit =
      _mm_cmpeq_epi8(_mm_max_epu8(digits->values, nine), nine);
  if (_mm_movemask_epi8(is_digit) != 0xffff) return false;
  const auto points = static_cast<uint32_t>(_mm_movemask_epi8(is_point));
  digits->point =
      points == 0 ? kNoPoint : static_cast<uint32_t>(__builtin_ctz(points));
  return (points & (points - 1)) == 0 && (points == 0 || count > 1);
}

INLINE_WITH_AVX2 uint64_t ValueOf(const Digits& digits) {
  const __m128i values = _mm_shuffle_epi8(
      digits.values, _mm_loadu_si128(reinterpret_cast<const __m128i*>(
                         kWithoutPoint[digits.point].data())));
  const __m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi16(10 | 1 << 8));
  const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
  const __m128i packed = _mm_packus_epi32(fours, fours);
  const __m128i eights =
      _mm_madd_epi16(packed, _mm_set1_epi32(10'000 | 1 << 16));
  const auto both = static_cast<uint64_t>(_mm_cvtsi128_si64(eights));
  return (both & 0xffffffff) * 100'000'000 + (both >> 32);
}

INLINE_WITH_AVX2 __m128i PointOf(char decimal) {
  return _mm_set1_epi8(static_cast<char>(decimal - '0'));
}

// Calls take.Take(i, digits) for the cells that are plain numbers; the result's
// bits are those for which it said true. (A lambda would not have the
// instructions that the function around it has.)
template <typename Taker>
INLINE_WITH_AVX2 uint64_t ForPlainNumbers(const CellColumn& cells, char decimal,
                                          Taker& taker) {
  const __m128i point = PointOf(decimal);
  const uint32_t* edge = cells.edges;
  uint64_t taken = 0;
  for (size_t i = 0; i < cells.rows; ++i, edge += cells.stride) {
    Digits digits;
    const bool plain = FindDigits(cells.text.data(), uint32_t{edge[0] + 1},
                                  edge[1], point, &digits);
    if (plain && taker.Take(i, digits)) taken |= uint64_t{1} << i;
  }
  return taken;
}

struct DoubleTaker {
  INLINE_WITH_AVX2 bool Take(size_t i, const Digits& digits) {
    const uint64_t value = ValueOf(digits);
    const uint32_t places =
        digits.point == kNoPoint ? 0 : kDigits - 1 - digits.point;
    const double magnitude =
        static_cast<double>(static_cast<int64_t>(value)) / kPowersOfTen[places];
    values[i] = digits.negative ? -magnitude : magnitude;
    return value <= kExact;
  }
  double* values;
};

struct Int64Taker {
  INLINE_WITH_AVX2 bool Take(size_t i, const Digits& digits) {
    const auto value = static_cast<int64_t>(ValueOf(digits));
    values[i] = digits.negative ? -value : value;
    return digits.point == kNoPoint;
  }
  int64_t* values;
};

WITH_AVX2 uint64_t DoublesAvx2(const CellColumn& cells, char decimal,
                               double* values) {
  DoubleTaker taker = {values};
  return ForPlainNumbers(cells, decimal, taker);
}

WITH_AVX2 uint64_t Int64sAvx2(const CellColumn& cells, char decimal,
                              int64_t* values) {
  Int64Taker taker = {values};
  return ForPlainNumbers(cells, decimal, taker);
}

// Adds the cell's kind, if it is a plain number; here it may have as many
// digits as two of these vectors hold.
INLINE_WITH_AVX2 void AddKind(const char* text, size_t begin, size_t end,
                              __m256i point, uint64_t bit, PlainKinds* kinds) {
  constexpr size_t kMost = 2 * kDigits;
  constexpr size_t kInt64Digits = 18;
  if (end < kMost || begin >= end) return;
  const char first = text[begin];
  const size_t count = end - begin - (first == '-' || first == '+' ? 1 : 0);
  if (count - 1 >= kMost) return;
  const __m256i last = _mm256_loadu_si256(
      reinterpret_cast<const __m256i*>(kLongLast.data() + count));
  const __m256i bytes =
      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + end - kMost));
  const __m256i values =
      _mm256_and_si256(_mm256_sub_epi8(bytes, _mm256_set1_epi8('0')), last);
  const __m256i is_point = _mm256_cmpeq_epi8(values, point);
  const __m256i nine = _mm256_set1_epi8(9);
  const __m256i is_digit = _mm256_cmpeq_epi8(
      _mm256_max_epu8(_mm256_andnot_si256(is_point, values), nine), nine);
  if (_mm256_movemask_epi8(is_digit) != -1) return;
  const auto points = static_cast<uint32_t>(_mm256_movemask_epi8(is_point));
  if (points == 0) {
    if (count <= kInt64Digits) kinds->integers |= bit;
  } else if ((points & (points - 1)) == 0 && count > 1) {
    kinds->fractions |= bit;
  }
}

WITH_AVX2 PlainKinds KindsAvx2(const CellColumn& cells, char decimal) {
  const __m256i point = _mm256_set1_epi8(static_cast<char>(decimal - '0'));
  const uint32_t* edge = cells.edges;
  PlainKinds kinds;
  for (size_t i = 0; i < cells.rows; ++i, edge += cells.stride)
    AddKind(cells.text.data(), uint32_t{edge[0] + 1}, edge[1], point,
            uint64_t{1} << i, &kinds);
  return kinds;
}

}  // namespace

uint64_t ReadPlainDoubles(SimdLevel level, const CellColumn& cells,
                          char decimal, double* values) {
  return level == SimdLevel::kAvx2 ? DoublesAvx2(cells, decimal, values) : 0;
}

uint64_t ReadPlainInt64s(SimdLevel level, const CellColumn& cells, char decimal,
                         int64_t* values) {
  return level == SimdLevel::kAvx2 ? Int64sAvx2(cells, decimal, values) : 0;
}

PlainKinds ClassifyPlainNumbers(SimdLevel level, const CellColumn& cells,
                                char decimal) {
  return level == SimdLevel::kAvx2 ? KindsAvx2(cells, decimal) : PlainKinds();
}

#else

uint64_t ReadPlainDoubles(SimdLevel, const CellColumn&, char, double*) {
  return 0;
}

uint64_t ReadPlainInt64s(SimdLevel, const CellColumn&, char, int64_t*) {
  return 0;
}

PlainKinds ClassifyPlainNumbers(SimdLevel, const CellColumn&, char) {
  return {};
}

#endif

}  // namespace troupe::loader
