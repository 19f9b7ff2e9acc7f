#include "services/preprocessor/quantile_search.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "services/base/errors.h"
#include "services/preprocessor/category_key.h"

namespace troupe::preprocessor {
namespace {

constexpr int kKeyBits = 64;

// The last key of a bracket.
uint64_t HighOf(const pb::Bracket& bracket) {
  const int bits = bracket.width_bits();
  const uint64_t mask =
      bits >= kKeyBits ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  return bracket.low() | mask;
}

// Bits of a key that its bin's number does not show.
int BinBits(const pb::Bracket& bracket, const QuantileLimits& limits) {
  return std::max(0, bracket.width_bits() - limits.bits);
}

int64_t BinOf(const pb::Bracket& bracket, uint64_t key,
              const QuantileLimits& limits) {
  const int shift = BinBits(bracket, limits);
  return static_cast<int64_t>(
      shift >= kKeyBits ? 0 : (key - bracket.low()) >> shift);
}

// Finds brackets by key.
class BracketIndex {
 public:
  explicit BracketIndex(const pb::QuantileSearch& search) : search_(search) {
    for (const pb::Bracket& bracket : search.brackets()) {
      lows_.push_back(bracket.low());
      highs_.push_back(HighOf(bracket));
    }
  }

  // The number of the bracket that holds `key` and is still to be narrowed, or
  // -1.
  int Find(uint64_t key) const {
    const auto after = std::upper_bound(lows_.begin(), lows_.end(), key);
    if (after == lows_.begin()) return -1;
    const auto i = static_cast<size_t>(after - lows_.begin()) - 1;
    if (key > highs_[i] ||
        search_.brackets(static_cast<int>(i)).width_bits() == 0)
      return -1;
    return static_cast<int>(i);
  }

 private:
  const pb::QuantileSearch& search_;
  std::vector<uint64_t> lows_;
  std::vector<uint64_t> highs_;
};

using Bins = std::map<int64_t, int64_t>;

void AddToBins(const pb::QuantileCounts& counts,
               const pb::QuantileSearch& search, const QuantileLimits& limits,
               Bins& bins) {
  for (int i = 0; i < counts.bins_size(); ++i)
    bins[counts.bins(i)] += counts.counts(i);
  const BracketIndex index(search);
  absl::flat_hash_map<int64_t, int64_t> added;
  for (const double value : counts.values()) {
    const uint64_t key = OrderedBits(value);
    const int at = index.Find(key);
    if (at < 0) continue;
    ++added[(int64_t{at} << limits.bits) +
            BinOf(search.brackets(at), key, limits)];
  }
  for (const auto& [bin, count] : added) bins[bin] += count;
}

pb::QuantileCounts FromBins(const Bins& bins) {
  pb::QuantileCounts counts;
  counts.set_binned(true);
  for (const auto& [bin, count] : bins) {
    counts.add_bins(bin);
    counts.add_counts(count);
  }
  return counts;
}

absl::Status ValuesChanged() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "INPUT_CHANGED",
                   "the rows are not those of the fitting pass before");
}

// Looks order statistics up in the brackets of a pass that kept its values.
class KeptValues {
 public:
  KeptValues(const pb::QuantileSearch& search, const pb::QuantileCounts& counts)
      : search_(search),
        values_(counts.values().begin(), counts.values().end()) {
    std::sort(values_.begin(), values_.end());
    for (const pb::Bracket& bracket : search.brackets()) {
      // -0 sorts with 0, as its key does.
      const auto first = std::partition_point(
          values_.begin(), values_.end(),
          [&](double value) { return OrderedBits(value) < bracket.low(); });
      begins_.push_back(first - values_.begin());
    }
  }

  // The value of `rank`, or nothing where the brackets do not hold it.
  std::optional<double> At(int64_t rank) const {
    const auto& brackets = search_.brackets();
    const auto after =
        std::upper_bound(brackets.begin(), brackets.end(), rank,
                         [](int64_t r, const pb::Bracket& bracket) {
                           return r < bracket.below();
                         });
    if (after == brackets.begin()) return std::nullopt;
    const auto i = static_cast<size_t>(after - brackets.begin()) - 1;
    const pb::Bracket& bracket = brackets[static_cast<int>(i)];
    if (rank - bracket.below() >= bracket.inside()) return std::nullopt;
    if (bracket.width_bits() == 0) return FromOrderedBits(bracket.low());
    const int64_t place = begins_[i] + rank - bracket.below();
    if (place >= static_cast<int64_t>(values_.size())) return std::nullopt;
    return values_[static_cast<size_t>(place)] + 0.0;
  }

 private:
  const pb::QuantileSearch& search_;
  std::vector<double> values_;
  std::vector<int64_t> begins_;
};

// The bins that hold a wanted rank, as brackets.
std::optional<pb::QuantileSearch> NextBrackets(
    const pb::QuantileSearch& search, const pb::QuantileCounts& counts,
    const std::vector<int64_t>& ranks, const QuantileLimits& limits) {
  pb::QuantileSearch next = search;
  next.clear_brackets();
  size_t rank = 0;
  int bin = 0;
  for (int b = 0; b < search.brackets_size(); ++b) {
    const pb::Bracket& bracket = search.brackets(b);
    const int64_t end = bracket.below() + bracket.inside();
    int64_t below = bracket.below();
    if (bracket.width_bits() == 0) {
      if (rank < ranks.size() && ranks[rank] >= below && ranks[rank] < end)
        *next.add_brackets() = bracket;
      while (rank < ranks.size() && ranks[rank] < end) ++rank;
      continue;
    }
    for (; bin < counts.bins_size() && counts.bins(bin) >> limits.bits == b;
         ++bin) {
      const int64_t inside = counts.counts(bin);
      if (rank < ranks.size() && ranks[rank] < below + inside) {
        const int shift = BinBits(bracket, limits);
        const auto number = static_cast<uint64_t>(counts.bins(bin) -
                                                  (int64_t{b} << limits.bits));
        pb::Bracket* found = next.add_brackets();
        found->set_low(bracket.low() + (number << shift));
        found->set_width_bits(shift);
        found->set_below(below);
        found->set_inside(inside);
      }
      below += inside;
      while (rank < ranks.size() && ranks[rank] < below) ++rank;
    }
    if (below != end) return std::nullopt;
  }
  if (rank < ranks.size()) return std::nullopt;
  return next;
}

bool IsSettled(const pb::QuantileSearch& search) {
  return std::all_of(
      search.brackets().begin(), search.brackets().end(),
      [](const pb::Bracket& bracket) { return bracket.width_bits() == 0; });
}

}  // namespace

pb::QuantileSearch WholeRange() {
  pb::QuantileSearch search;
  search.add_brackets()->set_width_bits(kKeyBits);
  return search;
}

bool IsWholeRange(const pb::QuantileSearch& search) {
  return search.brackets_size() == 1 &&
         search.brackets(0).width_bits() == kKeyBits;
}

bool ValidSearch(const pb::QuantileSearch& search) {
  if (search.count() < 0 || search.brackets().empty()) return false;
  uint64_t last_high = 0;
  int64_t last_end = 0;
  for (int i = 0; i < search.brackets_size(); ++i) {
    const pb::Bracket& bracket = search.brackets(i);
    const int bits = bracket.width_bits();
    if (bits < 0 || bits > kKeyBits) return false;
    if (bits == kKeyBits ? bracket.low() != 0
                         : (bracket.low() & ((uint64_t{1} << bits) - 1)) != 0)
      return false;
    if (i > 0 && bracket.low() <= last_high) return false;
    if (bracket.below() < last_end || bracket.inside() < 0 ||
        bracket.below() > search.count() ||
        bracket.inside() > search.count() - bracket.below())
      return false;
    last_high = HighOf(bracket);
    last_end = bracket.below() + bracket.inside();
  }
  return true;
}

pb::QuantileCounts CountValues(const Column& column,
                               const pb::QuantileSearch& search,
                               const QuantileLimits& limits) {
  const BracketIndex index(search);
  const bool everything = search.brackets_size() == 1 &&
                          search.brackets(0).width_bits() == kKeyBits;
  pb::QuantileCounts counts;
  for (int64_t i = 0; i < column.rows(); ++i) {
    const double value = column.AsDouble(i);
    if (std::isnan(value)) continue;
    if (everything || index.Find(OrderedBits(value)) >= 0)
      counts.add_values(value);
  }
  pb::QuantileCounts nothing;
  if (counts.values_size() > limits.max_values)
    MergeCounts(std::move(nothing), search, limits, counts);
  return counts;
}

bool ValidCounts(const pb::QuantileCounts& counts,
                 const pb::QuantileSearch& search, const QuantileLimits& limits,
                 int64_t present) {
  if (counts.bins_size() != counts.counts_size()) return false;
  if (counts.binned() ? counts.values_size() > 0 : counts.bins_size() > 0)
    return false;
  if (counts.values_size() > std::min(limits.max_values, present)) return false;
  for (const double value : counts.values())
    if (!std::isfinite(value)) return false;
  int64_t last = -1;
  int64_t total = 0;
  for (int i = 0; i < counts.bins_size(); ++i) {
    const int64_t bin = counts.bins(i);
    if (bin <= last || counts.counts(i) < 1 ||
        counts.counts(i) > present - total)
      return false;
    total += counts.counts(i);
    const int64_t bracket = bin >> limits.bits;
    if (bracket >= search.brackets_size()) return false;
    const int width = search.brackets(static_cast<int>(bracket)).width_bits();
    const int64_t number = bin - (bracket << limits.bits);
    if (width == 0 || number >> std::min(limits.bits, width) != 0) return false;
    last = bin;
  }
  return true;
}

void MergeCounts(pb::QuantileCounts next, const pb::QuantileSearch& search,
                 const QuantileLimits& limits, pb::QuantileCounts& sum) {
  const int64_t values = int64_t{sum.values_size()} + next.values_size();
  if (!sum.binned() && !next.binned() && values <= limits.max_values) {
    sum.mutable_values()->MergeFrom(next.values());
    return;
  }
  Bins bins;
  AddToBins(sum, search, limits, bins);
  AddToBins(next, search, limits, bins);
  sum = FromBins(bins);
}

Rank RankOf(double share, int64_t count) {
  const double place = static_cast<double>(count - 1) * share;
  const double below = std::floor(place);
  Rank rank;
  rank.below = std::clamp<int64_t>(static_cast<int64_t>(below), 0, count - 1);
  rank.above = std::min(rank.below + 1, count - 1);
  rank.fraction = place - below;
  return rank;
}

double Interpolate(double below, double above, double fraction) {
  const double step = above - below;
  if (std::isinf(step)) return below * (1 - fraction) + above * fraction;
  return fraction >= 0.5 ? above - step * (1 - fraction)
                         : below + step * fraction;
}

absl::StatusOr<SearchStep> Narrow(const pb::QuantileSearch& search,
                                  const pb::QuantileCounts& counts,
                                  const std::vector<int64_t>& ranks,
                                  int64_t count, const QuantileLimits& limits) {
  pb::QuantileSearch known = search;
  const bool first = search.brackets_size() == 1 &&
                     search.brackets(0).width_bits() == kKeyBits;
  if (first) {
    known.set_count(count);
    known.mutable_brackets(0)->set_inside(count);
  }
  if (known.count() != count) return ValuesChanged();
  SearchStep step;
  pb::QuantileCounts nothing;
  if (counts.binned()) {
    step.next = NextBrackets(known, counts, ranks, limits);
    if (!step.next.has_value()) return ValuesChanged();
    if (!IsSettled(*step.next)) return step;
    known = *std::exchange(step.next, std::nullopt);
  }
  const KeptValues values(known, counts.binned() ? nothing : counts);
  for (const int64_t rank : ranks) {
    const std::optional<double> value = values.At(rank);
    if (!value.has_value()) return ValuesChanged();
    step.found.push_back(*value);
  }
  return step;
}

}  // namespace troupe::preprocessor
