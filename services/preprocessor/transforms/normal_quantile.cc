#include "services/preprocessor/transforms/normal_quantile.h"

#include <cmath>

namespace troupe::preprocessor {

double NormalQuantile(double p) {
  // The lower half mirrors the upper one; there the tail keeps its digits.
  if (p > 0.5) return -NormalQuantile(1 - p);
  // A rough start (Abramowitz and Stegun, 26.2.23, error below 4.5e-4), then
  // Newton's method, which doubles the digits each time.
  const double t = std::sqrt(-2 * std::log(p));
  double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  constexpr double kRootTwoPi = 2.5066282746310005024;
  for (int i = 0; i < 4; ++i) {
    const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
    x -= error * kRootTwoPi * std::exp(x * x / 2);
  }
  return x;
}

}  // namespace troupe::preprocessor
