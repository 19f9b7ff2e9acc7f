// Shows how far a job or a transfer is: one line that is drawn again and again
// on a terminal, otherwise a line at every change of phase or state, every two
// seconds, and at a transfer's end.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/pb.h"
#include "services/base/clock.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class ProgressView {
 public:
  struct Options {
    bool quiet = false;     // Shows nothing.
    bool terminal = false;  // Whether lines can be drawn again.
    int width = 80;         // Of the terminal.
  };

  ProgressView(std::ostream& out, Options options, const Clock& clock);
  // Ends the line.
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void ShowJob(const pb::Job& job);
  // `verb` is "upload" or "download"; a total of 0 is unknown. Of a compressed
  // file both are bytes of the file itself.
  void ShowTransfer(absl::string_view verb, int64_t bytes, int64_t total);
  // Ends the line that is being drawn, so that other output starts a new one.
  void Finish();

 private:
  // `topic` is what a line is about: a new one starts a new line, which is
  // written at once where it is `announced`.
  void Show(const std::string& topic, const std::string& line, bool announced);
  void Write();  // line_, as it suits where it goes.

  std::ostream& out_;
  const Options options_;
  const Clock& clock_;
  std::string topic_;
  std::string line_;    // The last one given.
  bool drawn_ = false;  // Whether line_ was written.
  bool open_ = false;   // Terminal: whether a line waits for its end.
  absl::Duration drawn_at_;
  absl::Duration transfer_begun_;
};

// `score  [###...] 42 %  420,000 rows  120,000 rows/s  ETA 0:05`. Without a bar
// where `bar_width` is 0.
std::string ProgressLine(const pb::Job& job, int bar_width);

// "RUNNING" -> "running".
std::string StateWord(pb::JobState state);
// "TRAIN" -> "train".
std::string KindWord(pb::JobKind kind);

}  // namespace troupe
