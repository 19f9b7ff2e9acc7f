#include "services/model/roc_auc.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/numeric/bits.h"
#include "services/base/errors.h"
#include "services/base/exact_sum.h"

namespace troupe::model {
namespace {

absl::Status BadScores() {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PARTIAL",
                   "malformed partial: score counts");
}

// Adds `value` to a sum of parts that do not overlap, rising by magnitude, and
// keeps it exact (Shewchuk, Adaptive Precision Floating-Point Arithmetic,
// 1997). A sum beyond all doubles is infinite.
void Grow(double value, std::vector<double>& parts) {
  size_t kept = 0;
  for (double part : parts) {
    if (std::abs(value) < std::abs(part)) std::swap(value, part);
    const double sum = value + part;
    const double rest = std::isfinite(sum) ? part - (sum - value) : 0;
    if (rest != 0) parts[kept++] = rest;
    value = sum;
  }
  parts.resize(kept);
  if (value != 0) parts.push_back(value);
}

// The next part from above, 0 where there is none.
double TakePart(std::vector<double>& parts) {
  if (parts.empty()) return 0;
  const double part = parts.back();
  parts.pop_back();
  return part;
}

// Whether `part` can follow `before` in a sum that is not negative.
bool Follows(double part, double before) {
  return part == 0 || 2 * std::abs(part) < std::abs(before);
}

}  // namespace

void RocCounts::Combine(std::vector<Entry>& entries) {
  std::vector<double> positives, negatives;
  size_t kept = 0;
  for (size_t i = 0; i < entries.size();) {
    const double score = entries[i].score;
    const size_t begin = i++;
    while (i < entries.size() && entries[i].score == score) ++i;
    if (i == begin + 1) {
      entries[kept++] = entries[begin];
      continue;
    }
    for (size_t k = begin; k < i; ++k) {
      Grow(entries[k].positives, positives);
      Grow(entries[k].negatives, negatives);
    }
    // Never more parts than there were numbers.
    do {
      const double part = TakePart(positives);
      entries[kept++] = {score, part, TakePart(negatives)};
    } while (!positives.empty() || !negatives.empty());
  }
  entries.resize(kept);
}

// Bins are equal parts of [0, 1]. A power of two makes the arithmetic exact, so
// that a binned score stays where it is.
double RocCounts::BinOf(double score) const {
  const double bins =
      static_cast<double>(absl::bit_floor(static_cast<uint64_t>(limit_)));
  const double bin = std::floor(std::clamp(score, 0.0, 1.0) * bins);
  return std::min(bin, bins - 1) / bins;
}

void RocCounts::Bin() {
  binned_ = true;
  for (Entry& entry : entries_) entry.score = BinOf(entry.score);
  Combine(entries_);
}

void RocCounts::Add(std::vector<ScoredRow> rows) {
  std::stable_sort(
      rows.begin(), rows.end(),
      [](const ScoredRow& a, const ScoredRow& b) { return a.score < b.score; });
  RocCounts added(limit_, weighted_);
  added.entries_.reserve(rows.size());
  for (const ScoredRow& row : rows)
    added.entries_.push_back({row.score, row.positive ? row.weight : 0,
                              row.positive ? 0 : row.weight});
  Combine(added.entries_);
  Merge(added);
}

void RocCounts::Merge(const RocCounts& other) {
  RocCounts sorted = other;
  if (binned_ && !other.binned_) sorted.Bin();
  if (!binned_ && other.binned_) Bin();
  std::vector<Entry> merged;
  merged.reserve(entries_.size() + sorted.entries_.size());
  std::merge(entries_.begin(), entries_.end(), sorted.entries_.begin(),
             sorted.entries_.end(), std::back_inserter(merged),
             [](const Entry& a, const Entry& b) { return a.score < b.score; });
  Combine(merged);
  entries_ = std::move(merged);
  if (!binned_ && Distinct() > limit_) Bin();
}

int64_t RocCounts::Distinct() const {
  int64_t scores = 0;
  for (size_t i = 0; i < entries_.size(); ++i)
    if (i == 0 || entries_[i].score != entries_[i - 1].score) ++scores;
  return scores;
}

double RocCounts::weight() const {
  double weight = 0;
  for (const Entry& entry : entries_)
    weight += entry.positives + entry.negatives;
  return weight;
}

AreaUnderCurve RocCounts::Area() const {
  // Pairs of a positive and a negative row that are in order; a tie counts
  // half.
  long double ordered = 0;
  long double tied = 0;
  long double negatives = 0;
  long double positives = 0;
  for (size_t i = 0; i < entries_.size();) {
    auto pos = static_cast<long double>(entries_[i].positives);
    auto neg = static_cast<long double>(entries_[i].negatives);
    const size_t begin = i++;
    while (i < entries_.size() && entries_[i].score == entries_[begin].score)
      ++i;
    if (i > begin + 1) {
      ExactSum positive, negative;
      for (size_t k = begin; k < i; ++k) {
        positive.Add(entries_[k].positives);
        negative.Add(entries_[k].negatives);
      }
      pos = positive.Rounded();
      neg = negative.Rounded();
    }
    ordered += pos * negatives;
    tied += pos * neg;
    positives += pos;
    negatives += neg;
  }
  const long double pairs = positives * negatives;
  if (pairs == 0) return {std::numeric_limits<double>::quiet_NaN(), 0};
  AreaUnderCurve area;
  area.value = static_cast<double>((ordered + tied / 2) / pairs);
  if (binned_) area.error_bound = static_cast<double>(tied / 2 / pairs);
  return area;
}

pb::ScoreCounts RocCounts::ToProto() const {
  pb::ScoreCounts proto;
  proto.set_binned(binned_);
  std::string& scores = *proto.mutable_scores();
  scores.reserve(entries_.size() * sizeof(double));
  for (const Entry& entry : entries_) {
    scores.append(reinterpret_cast<const char*>(&entry.score), sizeof(double));
    if (weighted_) {
      proto.add_positive_weights(entry.positives);
      proto.add_negative_weights(entry.negatives);
    } else {
      proto.add_positives(static_cast<int64_t>(entry.positives));
      proto.add_negatives(static_cast<int64_t>(entry.negatives));
    }
  }
  return proto;
}

absl::StatusOr<RocCounts> RocCounts::FromProto(const pb::ScoreCounts& proto,
                                               int64_t limit, bool weighted) {
  const int64_t count =
      weighted ? proto.positive_weights_size() : proto.positives_size();
  if ((weighted ? proto.negative_weights_size() : proto.negatives_size()) !=
          count ||
      proto.scores().size() != static_cast<size_t>(count) * sizeof(double))
    return BadScores();
  RocCounts counts(limit, weighted);
  counts.binned_ = proto.binned();
  counts.entries_.reserve(static_cast<size_t>(count));
  double total = 0;
  int64_t distinct = 0;
  for (int i = 0; i < count; ++i) {
    Entry entry{0,
                weighted ? proto.positive_weights(i)
                         : static_cast<double>(proto.positives(i)),
                weighted ? proto.negative_weights(i)
                         : static_cast<double>(proto.negatives(i))};
    std::memcpy(&entry.score,
                proto.scores().data() + static_cast<size_t>(i) * sizeof(double),
                sizeof(double));
    // Written so that NaN fails.
    const Entry* const before =
        counts.entries_.empty() ? nullptr : &counts.entries_.back();
    const bool part =
        weighted && before != nullptr && entry.score == before->score;
    if (part ? !(Follows(entry.positives, before->positives) &&
                 Follows(entry.negatives, before->negatives))
             : !(entry.positives >= 0 && entry.negatives >= 0 &&
                 (before == nullptr ? !std::isnan(entry.score)
                                    : entry.score > before->score)))
      return BadScores();
    // 2^53 rows in all keep every count exact.
    total += entry.positives + entry.negatives;
    if (!part) ++distinct;
    if (!std::isfinite(total) || (!weighted && total > 0x1p53) ||
        distinct > limit)
      return BadScores();
    if (counts.binned_ && counts.BinOf(entry.score) != entry.score)
      return BadScores();
    counts.entries_.push_back(entry);
  }
  return counts;
}

}  // namespace troupe::model
