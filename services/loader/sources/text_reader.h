// A TextReader is a window that moves forward over a text: it can be made
// longer at its end and shorter at its beginning. Text that is not UTF-8 is
// decoded on the way; positions are those of the bytes.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/loader/sources/text_stream.h"
#include "troupe/v1/loader.pb.h"

namespace troupe::loader {

class TextReader {
 public:
  // `stream` stands at `position` of the text called `name`. Text that grows
  // beyond 64 MiB and beyond `max_inflation` times what lies below is refused.
  // `final` says whether the text ends where the stream ends.
  TextReader(std::unique_ptr<TextStream> stream, std::string name,
             int64_t position, int64_t max_inflation, bool final = true)
      : stream_(std::move(stream)),
        name_(std::move(name)),
        max_inflation_(max_inflation),
        final_(final),
        position_(position) {}

  // Decodes the text from here on. Until it is filled, the window is empty.
  void SetEncoding(pb::TextEncoding encoding);

  // Makes the window at least `bytes` long, if there is so much text.
  absl::Status Fill(size_t bytes);

  // Valid until the next call of Fill or Discard.
  absl::string_view window() const {
    return decodes() ? absl::string_view(decoded_).substr(decoded_begin_)
                     : absl::string_view(buffer_).substr(begin_);
  }
  // The bytes that are the window's text from `begin` to before `end`.
  absl::string_view BytesOf(size_t begin, size_t end) const;
  // The next `bytes` bytes of the text, or all that there are, which are
  // discarded.
  absl::StatusOr<std::string> Take(size_t bytes);
  // Moves the window's beginning; `bytes` at most the window's length.
  void Discard(size_t bytes);
  // Shows `sink` all that is discarded from now on; null: nobody.
  void ShowDiscarded(std::function<void(absl::string_view)> sink) {
    sink_ = std::move(sink);
  }

  // Whether the window holds all that the stream still had.
  bool ended() const { return ended_; }
  // Whether, besides, no text follows.
  bool last() const { return ended_ && final_; }
  // Position of the window's beginning, bytes (before decoding).
  int64_t position() const { return position_; }
  // Bytes below that were used up to here.
  int64_t consumed() const { return stream_->consumed(); }
  const std::string& name() const { return name_; }

 private:
  bool decodes() const { return encoding_ != pb::UTF_8; }
  absl::Status FillBytes(size_t bytes);

  const std::unique_ptr<TextStream> stream_;
  const std::string name_;
  const int64_t max_inflation_;
  const bool final_;
  std::function<void(absl::string_view)> sink_;
  int64_t position_;
  std::string buffer_;
  size_t begin_ = 0;  // Of the window in buffer_.
  pb::TextEncoding encoding_ = pb::UTF_8;
  std::string decoded_;
  size_t decoded_begin_ = 0;  // Of the window in decoded_.
  size_t decoded_end_ = 0;    // In buffer_, of what is decoded.
  bool ended_ = false;
};

}  // namespace troupe::loader
