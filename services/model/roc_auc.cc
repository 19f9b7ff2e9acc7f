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

void RocCounts::Add(std::vector<std::pair<double, bool>> scores) {
  std::sort(scores.begin(), scores.end());
  RocCounts added(limit_);
  added.entries_.reserve(scores.size());
  for (const auto& [score, positive] : scores)
    added.entries_.push_back({score, positive ? 1 : 0, positive ? 0 : 1});
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

int64_t RocCounts::rows() const {
  int64_t rows = 0;
  for (const Entry& entry : entries_) rows += entry.positives + entry.negatives;
  return rows;
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
    proto.add_positives(entry.positives);
    proto.add_negatives(entry.negatives);
  }
  return proto;
}

absl::StatusOr<RocCounts> RocCounts::FromProto(const pb::ScoreCounts& proto,
                                               int64_t limit) {
  const int64_t count = proto.positives_size();
  if (proto.negatives_size() != count || count > limit ||
      proto.scores().size() != static_cast<size_t>(count) * sizeof(double))
    return BadScores();
  RocCounts counts(limit);
  counts.binned_ = proto.binned();
  counts.entries_.reserve(static_cast<size_t>(count));
  int64_t rows = 0;
  for (int i = 0; i < count; ++i) {
    Entry entry{0, proto.positives(i), proto.negatives(i)};
    std::memcpy(&entry.score,
                proto.scores().data() + static_cast<size_t>(i) * sizeof(double),
                sizeof(double));
    const bool rising = counts.entries_.empty()
                            ? !std::isnan(entry.score)
                            : entry.score > counts.entries_.back().score;
    // 2^53 rows in all keep every sum in range.
    constexpr int64_t kMost = int64_t{1} << 53;
    if (!rising || entry.positives < 0 || entry.negatives < 0 ||
        entry.positives > kMost - rows ||
        entry.negatives > kMost - rows - entry.positives)
      return BadScores();
    if (counts.binned_ && counts.BinOf(entry.score) != entry.score)
      return BadScores();
    rows += entry.positives + entry.negatives;
    counts.entries_.push_back(entry);
  }
  return counts;
}

}  // namespace troupe::model
