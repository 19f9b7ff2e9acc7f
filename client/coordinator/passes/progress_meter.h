// A ProgressMeter tells how fast a phase goes, and when it will be done.
//
// Thread safety: one thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/time/time.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class ProgressMeter {
 public:
  // Begins a phase at monotonic time `now`.
  void Begin(const std::string& phase, absl::Duration now);

  // What an earlier run of the phase did; it says nothing about the pace.
  void Resume(int64_t rows_read, int64_t rows_rejected, int64_t bytes,
              absl::Duration now);
  // Adds finished work.
  void Add(int64_t rows_read, int64_t rows_rejected, int64_t bytes,
           absl::Duration now);
  // Replaces what planning found so far.
  void SetRead(int64_t rows, int64_t bytes, absl::Duration now);
  // 0 where unknown.
  void SetTotal(int64_t bytes) { total_bytes_ = bytes; }
  // Of the input, at least.
  int64_t bytes_known() const { return std::max(bytes_, total_bytes_); }

  // Of the fit that the phase waits for: from then on its pace is the rounds'.
  void SetRounds(int done, int at_most, absl::Duration now);

  // Writes everything but `in_flight` and `retries`.
  void Fill(absl::Duration now, pb::Progress* progress) const;

 private:
  // Work that was done at a time.
  struct Mark {
    absl::Duration time;
    int64_t rows = 0;
    int64_t bytes = 0;
  };
  // A number of rounds, and when it was first heard of.
  struct RoundMark {
    absl::Duration time;
    int rounds = 0;
  };
  void AddMark(absl::Duration now);
  double SecondsOfRoundsLeft(absl::Duration now) const;

  std::string phase_;
  int64_t rows_ = 0;
  int64_t rejected_ = 0;
  int64_t bytes_ = 0;
  int64_t total_bytes_ = 0;
  int rounds_ = 0;
  int rounds_at_most_ = 0;
  std::deque<Mark> marks_;  // The last seconds.
  // Likewise, and always the last two: a round may take minutes.
  std::deque<RoundMark> round_marks_;
};

}  // namespace troupe
