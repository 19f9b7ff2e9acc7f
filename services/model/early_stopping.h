// EarlyStopping decides after each round whether the watched score has stopped
// getting better, as XGBoost's Python callback does: only a strictly better
// score counts, and NaN is never better.
//
// Thread safety: one thread at a time.
#pragma once

namespace troupe::model {

class EarlyStopping {
 public:
  // Stops after `patience` rounds without improvement.
  EarlyStopping(int patience, bool higher_is_better)
      : patience_(patience), higher_is_better_(higher_is_better) {}

  // Takes the score of the next round. Returns whether to stop now.
  bool Stop(double score) {
    const bool first = rounds_seen_ == 0;
    const bool better =
        higher_is_better_ ? score > best_score_ : score < best_score_;
    if (first || better) {
      best_score_ = score;
      best_round_ = rounds_seen_;
    }
    ++rounds_seen_;
    return rounds_seen_ - 1 - best_round_ >= patience_;
  }

  int rounds_seen() const { return rounds_seen_; }
  int best_round() const { return best_round_; }  // From 0.
  double best_score() const { return best_score_; }

 private:
  const int patience_;
  const bool higher_is_better_;
  int rounds_seen_ = 0;
  int best_round_ = 0;
  double best_score_ = 0;
};

}  // namespace troupe::model
