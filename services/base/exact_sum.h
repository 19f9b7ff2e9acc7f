// An ExactSum is the sum of doubles, and of products of up to three of them,
// without any rounding: a fixed-point number that is wide enough for all of
// them. So it does not depend on order or grouping, and what is rounded is the
// result alone.
//
// ExactMoments are three such sums, from which a mean and squared deviations
// follow, again without cancellation or overflow on the way.
//
// Thread safety: as for plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace troupe {

class ExactSum {
 public:
  // Infinities and NaN make the sum what they make of a sum of doubles.
  void Add(double value);
  void AddProduct(double a, double b);
  void AddProduct(double a, double b, double c);
  void Add(const ExactSum& other);
  // Adds `magnitude` * 2^`exponent`, or subtracts it. -3264 <= exponent <=
  // 3000.
  void AddInteger(absl::uint128 magnitude, bool negative, int exponent);

  // The nearest long double (whose exponent is wide enough for every sum).
  long double Rounded() const;
  bool finite() const { return special_ == 0; }
  bool negative() const { return static_cast<int64_t>(limbs_.back()) < 0; }

  // A short form; equal sums have equal bytes.
  std::string ToBytes() const;
  // Reads foreign bytes. Writes `*sum` only where they are such a form.
  static bool FromBytes(absl::string_view bytes, ExactSum* sum);

 private:
  friend class ExactMoments;
  static constexpr int kLowestBit = -3264;  // Of limb 0: 2^kLowestBit.
  static constexpr size_t kLimbs = 102;

  std::array<uint64_t, kLimbs> Magnitude() const;

  std::array<uint64_t, kLimbs> limbs_ = {};  // Two's complement, lowest first.
  double special_ = 0;  // What infinities and NaN add up to.
};

class ExactMoments {
 public:
  void Add(absl::Span<const double> values);
  void Add(double value, double weight);
  void Add(const ExactMoments& other);

  // The weights' sum: the number of values where all weigh 1.
  const ExactSum& weight() const { return weight_; }
  // Within an ulp or so; NaN without weight.
  double mean() const;
  // Sum of weight * (value - mean)^2, likewise. Not negative, and exactly 0
  // where all values are equal.
  long double squared_deviations() const;

  // A short form, as ExactSum's.
  std::string ToBytes() const;
  // False, and nothing is written, where they are no such form, or hold what no
  // finite values of weights >= 0 add up to.
  static bool FromBytes(absl::string_view bytes, ExactMoments* moments);

 private:
  ExactSum weight_;
  ExactSum sum_;      // weight * value
  ExactSum squares_;  // weight * value^2
};

}  // namespace troupe
