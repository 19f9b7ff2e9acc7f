#include "client/coordinator/passes/progress_meter.h"

#include <algorithm>

namespace troupe {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(10);
constexpr absl::Duration kMarkEvery = absl::Milliseconds(100);

}  // namespace

void ProgressMeter::Begin(const std::string& phase, absl::Duration now) {
  *this = ProgressMeter();
  phase_ = phase;
  marks_.push_back({now, 0, 0});
}

void ProgressMeter::AddMark(absl::Duration now) {
  if (now - marks_.back().time >= kMarkEvery)
    marks_.push_back({now, rows_, bytes_});
  while (marks_.size() > 2 && now - marks_[1].time > kWindow)
    marks_.pop_front();
}

void ProgressMeter::Resume(int64_t rows_read, int64_t rows_rejected,
                           int64_t bytes, absl::Duration now) {
  rows_ = rows_read;
  rejected_ = rows_rejected;
  bytes_ = bytes;
  marks_.assign(1, {now, rows_, bytes_});
}

void ProgressMeter::Add(int64_t rows_read, int64_t rows_rejected, int64_t bytes,
                        absl::Duration now) {
  rows_ += rows_read;
  rejected_ += rows_rejected;
  bytes_ += bytes;
  AddMark(now);
}

void ProgressMeter::SetRead(int64_t rows, int64_t bytes, absl::Duration now) {
  rows_ = rows;
  bytes_ = bytes;
  AddMark(now);
}

void ProgressMeter::SetRounds(int done, int at_most, absl::Duration now) {
  rounds_at_most_ = at_most;
  if (done == rounds_) return;
  rounds_ = done;
  round_marks_.push_back({now, done});
  while (round_marks_.size() > 2 && now - round_marks_[1].time > kWindow)
    round_marks_.pop_front();
}

// Negative where unknown: one round tells no pace.
double ProgressMeter::SecondsOfRoundsLeft(absl::Duration now) const {
  if (round_marks_.size() < 2) return -1;
  const RoundMark& from = round_marks_.front();
  const RoundMark& to = round_marks_.back();
  const double seconds = absl::ToDoubleSeconds(to.time - from.time);
  if (to.rounds <= from.rounds || seconds <= 0) return -1;
  const double left =
      seconds * (rounds_at_most_ - to.rounds) / (to.rounds - from.rounds);
  return std::max(0.0, left - absl::ToDoubleSeconds(now - to.time));
}

void ProgressMeter::Fill(absl::Duration now, pb::Progress* progress) const {
  progress->set_phase(phase_);
  progress->set_rows_read(rows_);
  progress->set_rows_rejected(rejected_);
  progress->set_rows_ok(rows_ - rejected_);
  progress->set_bytes_done(bytes_);
  progress->set_bytes_total(total_bytes_);
  progress->set_rounds(rounds_);
  progress->set_rounds_at_most(rounds_at_most_);
  progress->set_rows_per_second(0);
  progress->set_eta_seconds(-1);
  if (rounds_at_most_ > 0) {
    progress->set_eta_seconds(SecondsOfRoundsLeft(now));
    return;
  }
  if (marks_.empty()) return;
  const Mark& from = marks_.front();
  const double seconds = absl::ToDoubleSeconds(now - from.time);
  if (seconds <= 0) return;
  progress->set_rows_per_second(static_cast<double>(rows_ - from.rows) /
                                seconds);
  const double bytes_per_second =
      static_cast<double>(bytes_ - from.bytes) / seconds;
  if (total_bytes_ <= 0 || bytes_per_second <= 0) return;
  const int64_t left = std::max<int64_t>(0, total_bytes_ - bytes_);
  progress->set_eta_seconds(static_cast<double>(left) / bytes_per_second);
}

}  // namespace troupe
