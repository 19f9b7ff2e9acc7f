#include "services/base/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace troupe {
namespace {

static_assert(std::numeric_limits<long double>::max_exponent >= 16384,
              "sums and their squares must fit into a long double");

using Limbs = absl::Span<const uint64_t>;

constexpr int kNoNumber = 0x7ff;  // The exponent of infinities and NaN.
// More rows than any job has, so that sums of foreign ones stay in range.
constexpr long double kMostWeight = 0x1p1080L;

// A finite double: magnitude * 2^exponent.
struct Parts {
  uint64_t magnitude;
  bool negative;
  int exponent;
};

int BiasedExponent(uint64_t bits) {
  return static_cast<int>(bits >> 52) & kNoNumber;
}

// Subnormal numbers have the exponent of the smallest normal ones.
uint64_t MagnitudeOf(uint64_t bits) {
  const uint64_t fraction = bits & ((uint64_t{1} << 52) - 1);
  return BiasedExponent(bits) == 0 ? fraction : fraction | (uint64_t{1} << 52);
}

int ExponentOf(int biased) { return std::max(biased, 1) - 1075; }

Parts Split(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  return {MagnitudeOf(bits), bits >> 63 != 0, ExponentOf(BiasedExponent(bits))};
}

// The number of these limbs, the lowest of which counts 2^lowest_bit.
long double RoundedLimbs(Limbs limbs, int lowest_bit) {
  size_t top = limbs.size();
  while (top > 0 && limbs[top - 1] == 0) --top;
  long double sum = 0;
  // Three limbs hold twice the digits of a long double.
  for (size_t i = top; i > 0 && i + 3 > top; --i)
    sum += std::ldexp(static_cast<long double>(limbs[i - 1]),
                      static_cast<int>(i - 1) * 64 + lowest_bit);
  return sum;
}

std::vector<uint64_t> Product(Limbs a, Limbs b) {
  std::vector<uint64_t> product(a.size() + b.size(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == 0) continue;
    uint64_t carry = 0;
    for (size_t k = 0; k < b.size(); ++k) {
      const absl::uint128 sum =
          absl::uint128(a[i]) * b[k] + product[i + k] + carry;
      product[i + k] = absl::Uint128Low64(sum);
      carry = absl::Uint128High64(sum);
    }
    product[i + b.size()] = carry;
  }
  return product;
}

// a -= b; whether the result is negative.
bool Subtract(Limbs b, std::vector<uint64_t>& a) {
  uint64_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const absl::uint128 taken = absl::uint128(b[i]) + borrow;
    borrow = taken > a[i] ? 1 : 0;
    a[i] -= absl::Uint128Low64(taken);
  }
  return borrow != 0;
}

void AppendPart(const std::string& part, std::string& bytes) {
  const auto size = static_cast<uint16_t>(part.size());
  bytes += static_cast<char>(size & 0xff);
  bytes += static_cast<char>(size >> 8);
  bytes += part;
}

bool TakePart(absl::string_view& bytes, ExactSum* sum) {
  if (bytes.size() < 2) return false;
  const size_t size = static_cast<unsigned char>(bytes[0]) +
                      (size_t{static_cast<unsigned char>(bytes[1])} << 8);
  if (bytes.size() - 2 < size) return false;
  const absl::string_view part = bytes.substr(2, size);
  bytes.remove_prefix(2 + size);
  return ExactSum::FromBytes(part, sum);
}

}  // namespace

void ExactSum::AddInteger(absl::uint128 magnitude, bool negative,
                          int exponent) {
  const auto bit = static_cast<size_t>(exponent - kLowestBit);
  const size_t shift = bit % 64;
  const uint64_t low = absl::Uint128Low64(magnitude);
  const uint64_t high = absl::Uint128High64(magnitude);
  const uint64_t parts[3] = {
      low << shift, shift == 0 ? high : low >> (64 - shift) | high << shift,
      shift == 0 ? 0 : high >> (64 - shift)};
  uint64_t carry = 0;
  size_t limb = bit / 64;
  for (size_t i = 0; limb < kLimbs && (i < 3 || carry != 0); ++i, ++limb) {
    const absl::uint128 term = absl::uint128(i < 3 ? parts[i] : 0) + carry;
    const uint64_t before = limbs_[limb];
    if (negative) {
      limbs_[limb] = before - absl::Uint128Low64(term);
      carry = term > before ? 1 : 0;
    } else {
      limbs_[limb] = before + absl::Uint128Low64(term);
      carry =
          absl::Uint128High64(term) + (limbs_[limb] < before ? uint64_t{1} : 0);
    }
  }
}

void ExactSum::Add(double value) {
  if (!std::isfinite(value)) {
    special_ += value;
    return;
  }
  const Parts parts = Split(value);
  AddInteger(parts.magnitude, parts.negative, parts.exponent);
}

void ExactSum::AddProduct(double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) {
    special_ += a * b;
    return;
  }
  const Parts x = Split(a);
  const Parts y = Split(b);
  AddInteger(absl::uint128(x.magnitude) * y.magnitude, x.negative != y.negative,
             x.exponent + y.exponent);
}

void ExactSum::AddProduct(double a, double b, double c) {
  if (!std::isfinite(a) || !std::isfinite(b) || !std::isfinite(c)) {
    special_ += a * b * c;
    return;
  }
  const Parts x = Split(a);
  const Parts y = Split(b);
  const Parts z = Split(c);
  const absl::uint128 xy = absl::uint128(x.magnitude) * y.magnitude;
  const bool negative = (x.negative != y.negative) != z.negative;
  const int exponent = x.exponent + y.exponent + z.exponent;
  AddInteger(absl::uint128(absl::Uint128Low64(xy)) * z.magnitude, negative,
             exponent);
  AddInteger(absl::uint128(absl::Uint128High64(xy)) * z.magnitude, negative,
             exponent + 64);
}

void ExactSum::Add(const ExactSum& other) {
  uint64_t carry = 0;
  for (size_t i = 0; i < kLimbs; ++i) {
    const absl::uint128 sum =
        absl::uint128(limbs_[i]) + other.limbs_[i] + carry;
    limbs_[i] = absl::Uint128Low64(sum);
    carry = absl::Uint128High64(sum);
  }
  special_ += other.special_;
}

std::array<uint64_t, ExactSum::kLimbs> ExactSum::Magnitude() const {
  std::array<uint64_t, kLimbs> limbs = limbs_;
  if (!negative()) return limbs;
  bool carry = true;
  for (uint64_t& limb : limbs) {
    limb = ~limb + (carry ? 1 : 0);
    carry = carry && limb == 0;
  }
  return limbs;
}

long double ExactSum::Rounded() const {
  if (!finite()) return special_;
  const long double magnitude = RoundedLimbs(Magnitude(), kLowestBit);
  return negative() ? -magnitude : magnitude;
}

std::string ExactSum::ToBytes() const {
  if (!finite()) return std::isnan(special_) ? "n" : special_ > 0 ? "i" : "j";
  const uint64_t sign = negative() ? ~uint64_t{0} : 0;
  size_t first = 0;
  while (first < kLimbs && limbs_[first] == 0) ++first;
  if (first == kLimbs) return "";
  size_t end = kLimbs;
  // A limb that only repeats the sign of the one below it is left out.
  while (end > first + 1 && limbs_[end - 1] == sign &&
         (static_cast<int64_t>(limbs_[end - 2]) < 0) == negative())
    --end;
  std::string bytes = "f";
  bytes += static_cast<char>(first);
  for (size_t i = first; i < end; ++i)
    for (int shift = 0; shift < 64; shift += 8)
      bytes += static_cast<char>(limbs_[i] >> shift & 0xff);
  return bytes;
}

bool ExactSum::FromBytes(absl::string_view bytes, ExactSum* sum) {
  ExactSum read;
  if (bytes == "n" || bytes == "i" || bytes == "j") {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    read.special_ = bytes == "n"   ? std::numeric_limits<double>::quiet_NaN()
                    : bytes == "i" ? kInfinity
                                   : -kInfinity;
  } else if (!bytes.empty()) {
    if (bytes[0] != 'f' || bytes.size() < 10 || bytes.size() % 8 != 2)
      return false;
    const size_t first = static_cast<unsigned char>(bytes[1]);
    const size_t end = first + (bytes.size() - 2) / 8;
    if (end > kLimbs) return false;
    for (size_t i = first; i < end; ++i)
      for (size_t k = 0; k < 8; ++k)
        read.limbs_[i] |=
            uint64_t{static_cast<unsigned char>(bytes[2 + (i - first) * 8 + k])}
            << (8 * k);
    if (static_cast<int64_t>(read.limbs_[end - 1]) < 0)
      std::fill(read.limbs_.begin() + static_cast<std::ptrdiff_t>(end),
                read.limbs_.end(), ~uint64_t{0});
  }
  *sum = read;
  return true;
}

// Values of one exponent are integers of one scale, whose sum and sum of
// squares need no more than 128 bits: a few instructions a value, instead of
// carries through a wide number.
void ExactMoments::Add(absl::Span<const double> values) {
  struct Scale {
    absl::int128 sum = 0;
    absl::uint128 squares = 0;
  };
  constexpr size_t kAtOnce = size_t{1} << 20;  // 2^20 * 2^106 < 2^128.
  for (; !values.empty();
       values.remove_prefix(std::min(kAtOnce, values.size()))) {
    const absl::Span<const double> some = values.subspan(0, kAtOnce);
    int least = kNoNumber;
    int most = 0;
    for (const double value : some) {
      const int biased = BiasedExponent(std::bit_cast<uint64_t>(value));
      least = std::min(least, biased);
      most = std::max(most, biased);
    }
    if (most == kNoNumber) {
      for (const double value : some) Add(value, 1);
      continue;
    }
    std::vector<Scale> scales(static_cast<size_t>(most - least) + 1);
    for (const double value : some) {
      const auto bits = std::bit_cast<uint64_t>(value);
      Scale& scale = scales[static_cast<size_t>(BiasedExponent(bits) - least)];
      const uint64_t magnitude = MagnitudeOf(bits);
      const auto whole = static_cast<int64_t>(magnitude);
      scale.sum += bits >> 63 != 0 ? -whole : whole;
      scale.squares += absl::uint128(magnitude) * magnitude;
    }
    for (size_t i = 0; i < scales.size(); ++i) {
      const int exponent = ExponentOf(least + static_cast<int>(i));
      const bool negative = scales[i].sum < 0;
      sum_.AddInteger(absl::uint128(negative ? -scales[i].sum : scales[i].sum),
                      negative, exponent);
      squares_.AddInteger(scales[i].squares, false, 2 * exponent);
    }
    weight_.AddInteger(some.size(), false, 0);
  }
}

void ExactMoments::Add(double value, double weight) {
  weight_.Add(weight);
  sum_.AddProduct(weight, value);
  squares_.AddProduct(weight, value, value);
}

void ExactMoments::Add(const ExactMoments& other) {
  weight_.Add(other.weight_);
  sum_.Add(other.sum_);
  squares_.Add(other.squares_);
}

double ExactMoments::mean() const {
  return static_cast<double>(sum_.Rounded() / weight_.Rounded());
}

// (weight * squares - sum^2) / weight: the difference is taken exactly.
long double ExactMoments::squared_deviations() const {
  const long double weight = weight_.Rounded();
  if (!(weight > 0) || !sum_.finite() || !squares_.finite())
    return std::numeric_limits<long double>::quiet_NaN();
  const auto sum = sum_.Magnitude();
  std::vector<uint64_t> difference =
      Product(weight_.Magnitude(), squares_.Magnitude());
  if (Subtract(Product(sum, sum), difference)) return 0;
  return RoundedLimbs(difference, 2 * ExactSum::kLowestBit) / weight;
}

std::string ExactMoments::ToBytes() const {
  std::string bytes;
  for (const ExactSum* sum : {&weight_, &sum_, &squares_})
    AppendPart(sum->ToBytes(), bytes);
  return bytes;
}

bool ExactMoments::FromBytes(absl::string_view bytes, ExactMoments* moments) {
  ExactMoments read;
  for (ExactSum* sum : {&read.weight_, &read.sum_, &read.squares_})
    if (!TakePart(bytes, sum) || !sum->finite()) return false;
  if (!bytes.empty() || read.weight_.negative() || read.squares_.negative() ||
      read.weight_.Rounded() > kMostWeight)
    return false;
  *moments = read;
  return true;
}

}  // namespace troupe
