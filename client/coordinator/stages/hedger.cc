#include "client/coordinator/stages/hedger.h"

#include <algorithm>
#include <vector>

namespace troupe {

Hedger::Hedger(HedgeOptions options)
    : options_(options), tokens_(options.allowance) {}

void Hedger::AddCall() {
  tokens_ = std::min(tokens_ + options_.ratio, options_.allowance);
}

void Hedger::Answered(const std::string& method, absl::Duration age) {
  std::deque<absl::Duration>& ages = ages_[method];
  ages.push_back(age);
  if (ages.size() > options_.window) ages.pop_front();
}

absl::Duration Hedger::LateAge(const std::string& method) const {
  const auto known = ages_.find(method);
  if (known == ages_.end() || known->second.size() < options_.least_known)
    return absl::InfiniteDuration();
  std::vector<absl::Duration> ages(known->second.begin(), known->second.end());
  const auto p95 =
      ages.begin() + static_cast<std::ptrdiff_t>(ages.size() * 95 / 100);
  std::nth_element(ages.begin(), p95, ages.end());
  return std::max(options_.factor * *p95, options_.least_age);
}

}  // namespace troupe
