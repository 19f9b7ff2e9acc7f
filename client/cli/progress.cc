#include "client/cli/progress.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/text_format.h"

namespace troupe {
namespace {

// A terminal follows the eye, a log is read later.
constexpr absl::Duration kRedraw = absl::Milliseconds(100);
constexpr absl::Duration kLogEvery = absl::Seconds(2);

std::string Share(int64_t done, int64_t total, int bar_width) {
  if (total <= 0) return "";
  const double share = std::clamp(
      static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
  const std::string bar =
      bar_width > 0 ? absl::StrCat("  [", Bar(share, bar_width, '.'), "]") : "";
  return absl::StrFormat("%s  %d %%", bar, static_cast<int>(share * 100));
}

}  // namespace

ProgressView::ProgressView(std::ostream& out, Options options,
                           const Clock& clock)
    : out_(out), options_(options), clock_(clock) {}

ProgressView::~ProgressView() { Finish(); }

void ProgressView::ShowJob(const pb::Job& job) {
  constexpr int kBarWidth = 24;
  const bool bar = options_.terminal && options_.width >= 90;
  Show(absl::StrCat(pb::JobState_Name(job.state()), job.progress().phase()),
       ProgressLine(job, bar ? kBarWidth : 0), true);
}

void ProgressView::ShowTransfer(absl::string_view verb, int64_t bytes,
                                int64_t total) {
  constexpr int kBarWidth = 24;
  constexpr double kPaceAfter = 1;  // Seconds.
  const absl::Duration now = clock_.Monotonic();
  if (verb != topic_ || line_.empty()) transfer_begun_ = now;
  const bool bar = options_.terminal && options_.width >= 60;
  std::string line = absl::StrCat(
      verb, Share(bytes, total, bar ? kBarWidth : 0), "  ", FormatBytes(bytes));
  if (total > bytes) absl::StrAppend(&line, " of ", FormatBytes(total));
  const double seconds = absl::ToDoubleSeconds(now - transfer_begun_);
  if (total > bytes && bytes > 0 && seconds >= kPaceAfter)
    absl::StrAppend(&line, "  ETA ",
                    FormatSeconds(seconds * static_cast<double>(total - bytes) /
                                  static_cast<double>(bytes)));
  Show(std::string(verb), line, options_.terminal);
}

void ProgressView::Show(const std::string& topic, const std::string& line,
                        bool announced) {
  if (options_.quiet) return;
  const absl::Duration now = clock_.Monotonic();
  const bool new_topic = topic != topic_ || line_.empty();
  if (new_topic) {
    Finish();
    drawn_at_ = now;
  }
  const bool due = now - drawn_at_ >= (options_.terminal ? kRedraw : kLogEvery);
  if (line != line_) drawn_ = false;
  topic_ = topic;
  line_ = line;
  if (drawn_ || !((new_topic && announced) || due)) return;
  drawn_at_ = now;
  Write();
}

void ProgressView::Write() {
  drawn_ = true;
  if (options_.terminal) {
    // One column less: some terminals wrap after the last.
    const auto room = static_cast<size_t>(std::max(options_.width - 1, 10));
    out_ << "\r" << Printable(line_, room) << "\x1b[K" << std::flush;
    open_ = true;
  } else {
    out_ << Printable(line_) << "\n" << std::flush;
  }
}

void ProgressView::Finish() {
  // What stays to be read is the last word on this topic.
  if (!line_.empty() && !drawn_) Write();
  if (open_) out_ << "\n" << std::flush;
  open_ = false;
  line_.clear();
}

std::string ProgressLine(const pb::Job& job, int bar_width) {
  const pb::Progress& progress = job.progress();
  std::string line =
      progress.phase().empty() ? KindWord(job.kind()) : progress.phase();
  if (job.state() == pb::STALLED)
    return absl::StrCat(line, "  STALLED: ",
                        job.state_message().empty() ? "waits for a replica"
                                                    : job.state_message());
  const bool phase_says_it =
      job.state() == pb::RUNNING ||
      (job.state() == pb::PLANNING && !progress.phase().empty());
  if (!phase_says_it) absl::StrAppend(&line, "  ", StateWord(job.state()));
  // Once a model learns, its rounds tell how far it is.
  const bool boosting = progress.rounds_at_most() > 0;
  absl::StrAppend(&line, boosting ? Share(progress.rounds(),
                                          progress.rounds_at_most(), bar_width)
                                  : Share(progress.bytes_done(),
                                          progress.bytes_total(), bar_width));
  const int64_t rows = std::max(progress.rows_read(), progress.rows_ok());
  if (rows > 0) absl::StrAppend(&line, "  ", FormatCount(rows), " rows");
  if (progress.rows_rejected() > 0)
    absl::StrAppend(&line, "  ", FormatCount(progress.rows_rejected()),
                    " rejected");
  if (boosting)
    absl::StrAppend(&line, "  round ", FormatCount(progress.rounds()), " of ",
                    FormatCount(progress.rounds_at_most()));
  if (job.state() != pb::RUNNING) return line;
  if (progress.rows_per_second() >= 1)
    absl::StrAppend(&line, "  ",
                    FormatCount(static_cast<int64_t>(
                        std::min(progress.rows_per_second(), 1e15))),
                    " rows/s");
  if (progress.eta_seconds() >= 0 && (boosting || progress.bytes_total() > 0))
    absl::StrAppend(&line, "  ETA ", FormatSeconds(progress.eta_seconds()));
  return line;
}

std::string StateWord(pb::JobState state) {
  return absl::AsciiStrToLower(pb::JobState_Name(state));
}

std::string KindWord(pb::JobKind kind) {
  return absl::AsciiStrToLower(pb::JobKind_Name(kind));
}

}  // namespace troupe
