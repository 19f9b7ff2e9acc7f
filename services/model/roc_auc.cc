#include "services/model/roc_auc.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

#include "absl/numeric/bits.h"
#include "services/base/errors.h"

namespace troupe::model {
namespace {

absl::Status BadScores() {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PARTIAL",
                   "malformed partial: score counts");
}

}  // namespace

void RocCounts::Combine(std::vector<Entry>& entries) {
  size_t kept = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (kept > 0 && entries[kept - 1].score == entries[i].score) {
      entries[kept - 1].positives += entries[i].positives;
      entries[kept - 1].negatives += entries[i].negatives;
    } else {
      entries[kept++] = entries[i];
    }
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
  if (!binned_ && static_cast<int64_t>(entries_.size()) > limit_) Bin();
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
  for (const Entry& entry : entries_) {
    const auto pos = static_cast<long double>(entry.positives);
    const auto neg = static_cast<long double>(entry.negatives);
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
      count > limit ||
      proto.scores().size() != static_cast<size_t>(count) * sizeof(double))
    return BadScores();
  RocCounts counts(limit, weighted);
  counts.binned_ = proto.binned();
  counts.entries_.reserve(static_cast<size_t>(count));
  double total = 0;
  for (int i = 0; i < count; ++i) {
    Entry entry{0,
                weighted ? proto.positive_weights(i)
                         : static_cast<double>(proto.positives(i)),
                weighted ? proto.negative_weights(i)
                         : static_cast<double>(proto.negatives(i))};
    std::memcpy(&entry.score,
                proto.scores().data() + static_cast<size_t>(i) * sizeof(double),
                sizeof(double));
    const bool rising = counts.entries_.empty()
                            ? !std::isnan(entry.score)
                            : entry.score > counts.entries_.back().score;
    // 2^53 rows in all keep every count exact. Written so that NaN fails.
    total += entry.positives + entry.negatives;
    if (!rising || !(entry.positives >= 0) || !(entry.negatives >= 0) ||
        !std::isfinite(total) || (!weighted && total > 0x1p53))
      return BadScores();
    if (counts.binned_ && counts.BinOf(entry.score) != entry.score)
      return BadScores();
    counts.entries_.push_back(entry);
  }
  return counts;
}

}  // namespace troupe::model
