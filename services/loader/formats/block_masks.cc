#include "services/loader/formats/block_masks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace troupe::loader {
namespace {

uint64_t PrefixXor(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

#if defined(__x86_64__)

uint64_t EqualSse2(const char* block, __m128i wanted) {
  uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + i);
    const auto bits =
        static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
    mask |= uint64_t{bits} << (16 * i);
  }
  return mask;
}

void MarkSse2(const Dialect& dialect, const char* text, size_t blocks,
              BlockMasks* masks) {
  const __m128i delimiter = _mm_set1_epi8(dialect.delimiter);
  const __m128i quote = _mm_set1_epi8(dialect.quote);
  const __m128i newline = _mm_set1_epi8('\n');
  const __m128i carriage_return = _mm_set1_epi8('\r');
  for (size_t i = 0; i < blocks; ++i, text += kBlockBytes) {
    const uint64_t quotes = EqualSse2(text, quote);
    masks[i] = {EqualSse2(text, delimiter), quotes, EqualSse2(text, newline),
                EqualSse2(text, carriage_return), PrefixXor(quotes)};
  }
}

__attribute__((target("avx2"), always_inline)) inline uint64_t EqualAvx2(
    __m256i low, __m256i high, __m256i wanted) {
  const auto low_bits = static_cast<uint32_t>(
      _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
  const auto high_bits = static_cast<uint32_t>(
      _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
  return low_bits | uint64_t{high_bits} << 32;
}

// The product with all ones, without carries, is the prefix XOR.
__attribute__((target("avx2,pclmul"), always_inline)) inline uint64_t
PrefixXorAvx2(uint64_t bits) {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<int64_t>(bits)),
                           _mm_set1_epi8(static_cast<char>(0xff)), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

__attribute__((target("avx2,pclmul"))) void MarkAvx2(const Dialect& dialect,
                                                     const char* text,
                                                     size_t blocks,
                                                     BlockMasks* masks) {
  const __m256i delimiter = _mm256_set1_epi8(dialect.delimiter);
  const __m256i quote = _mm256_set1_epi8(dialect.quote);
  const __m256i newline = _mm256_set1_epi8('\n');
  const __m256i carriage_return = _mm256_set1_epi8('\r');
  for (size_t i = 0; i < blocks; ++i, text += kBlockBytes) {
    const auto* halves = reinterpret_cast<const __m256i*>(text);
    const __m256i low = _mm256_loadu_si256(halves);
    const __m256i high = _mm256_loadu_si256(halves + 1);
    const uint64_t quotes = EqualAvx2(low, high, quote);
    masks[i] = {EqualAvx2(low, high, delimiter), quotes,
                EqualAvx2(low, high, newline),
                EqualAvx2(low, high, carriage_return), PrefixXorAvx2(quotes)};
  }
}

#else

uint64_t Equal(const char* block, char wanted) {
  uint64_t mask = 0;
  for (size_t i = 0; i < kBlockBytes; ++i)
    mask |= uint64_t{block[i] == wanted} << i;
  return mask;
}

void MarkPortably(const Dialect& dialect, const char* text, size_t blocks,
                  BlockMasks* masks) {
  for (size_t i = 0; i < blocks; ++i, text += kBlockBytes) {
    const uint64_t quotes = Equal(text, dialect.quote);
    masks[i] = {Equal(text, dialect.delimiter), quotes, Equal(text, '\n'),
                Equal(text, '\r'), PrefixXor(quotes)};
  }
}

#endif

}  // namespace

SimdLevel BestSimdLevel() {
#if defined(__x86_64__)
  static const bool avx2 = __builtin_cpu_supports("avx2") != 0 &&
                           __builtin_cpu_supports("pclmul") != 0 &&
                           __builtin_cpu_supports("bmi") != 0 &&
                           __builtin_cpu_supports("popcnt") != 0;
  if (avx2) return SimdLevel::kAvx2;
#endif
  return SimdLevel::kSse2;
}

void MarkBlocks(SimdLevel level, const Dialect& dialect, const char* text,
                size_t blocks, BlockMasks* masks) {
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx2) {
    MarkAvx2(dialect, text, blocks, masks);
  } else {
    MarkSse2(dialect, text, blocks, masks);
  }
#else
  (void)level;
  MarkPortably(dialect, text, blocks, masks);
#endif
  // NUL stands for "none"; a text may hold it all the same.
  if (dialect.delimiter == Dialect::kNoCharacter)
    for (size_t i = 0; i < blocks; ++i) masks[i].delimiter = 0;
  if (dialect.quote == Dialect::kNoCharacter)
    for (size_t i = 0; i < blocks; ++i) masks[i].quote = masks[i].quoted = 0;
}

}  // namespace troupe::loader
