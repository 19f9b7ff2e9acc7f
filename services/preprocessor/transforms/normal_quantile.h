// The inverse of the standard normal distribution.
//
// Thread safety: a function without state.
#pragma once

namespace troupe::preprocessor {

// The x below which a share `p` of a standard normal variable lies; 0 < p < 1.
// Accurate to a few units in the last place.
double NormalQuantile(double p);

}  // namespace troupe::preprocessor
