#include "services/loader/sources/text_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/encoding.h"

namespace troupe::loader {
namespace {

// Small texts may be as repetitive as they like.
constexpr int64_t kFreeInflationBytes = 64 << 20;
constexpr size_t kFirstBytes = size_t{1} << 16;

}  // namespace

void TextReader::SetEncoding(pb::TextEncoding encoding) {
  encoding_ = encoding;
  decoded_.clear();
  decoded_begin_ = 0;
  decoded_end_ = begin_;
}

absl::Status TextReader::Fill(size_t bytes) {
  if (!decodes()) return FillBytes(bytes);
  while (window().size() < bytes) {
    // A byte makes at least a third of a character's bytes.
    const size_t missing = bytes - window().size();
    RETURN_IF_ERROR(FillBytes(decoded_end_ - begin_ + missing));
    decoded_.erase(0, decoded_begin_);
    decoded_begin_ = 0;
    const size_t taken =
        Decode(encoding_, absl::string_view(buffer_).substr(decoded_end_),
               last(), &decoded_);
    decoded_end_ += taken;
    if (taken == 0 || ended_) break;
  }
  return absl::OkStatus();
}

absl::Status TextReader::FillBytes(size_t bytes) {
  if (buffer_.size() - begin_ >= bytes || ended_) return absl::OkStatus();
  buffer_.erase(0, begin_);
  decoded_end_ -= std::min(decoded_end_, begin_);
  begin_ = 0;
  size_t filled = buffer_.size();
  absl::Status status;
  while (filled < bytes && !ended_) {
    // Not at once to `bytes`: most files are smaller than a buffer.
    if (filled == buffer_.size())
      buffer_.resize(std::min(
          bytes, std::max({kFirstBytes, 2 * filled, buffer_.capacity()})));
    absl::StatusOr<size_t> got =
        stream_->Read(buffer_.data() + filled, buffer_.size() - filled);
    if (!got.ok()) {
      status = got.status();
      break;
    }
    ended_ = *got == 0;
    filled += *got;
  }
  buffer_.resize(filled);
  RETURN_IF_ERROR(status);
  const int64_t text = position_ + static_cast<int64_t>(filled);
  if (text > kFreeInflationBytes && text / max_inflation_ > consumed())
    return BadInput(
        name_, 0, 0,
        absl::StrCat("the file decompresses to more than ", max_inflation_,
                     " times its size; see --max_inflation"));
  return absl::OkStatus();
}

absl::StatusOr<std::string> TextReader::Take(size_t bytes) {
  if (!decodes())
    buffer_.reserve(begin_ + bytes);  // They are there, or nearly.
  RETURN_IF_ERROR(Fill(bytes));
  if (!decodes() && begin_ == 0 && buffer_.size() <= bytes && !sink_) {
    position_ += static_cast<int64_t>(buffer_.size());
    return std::exchange(buffer_, std::string());
  }
  std::string text(window().substr(0, bytes));
  Discard(text.size());
  return text;
}

void TextReader::Discard(size_t bytes) {
  const absl::string_view left = BytesOf(0, bytes);
  if (sink_) sink_(left);
  if (decodes()) decoded_begin_ += bytes;
  begin_ += left.size();
  position_ += static_cast<int64_t>(left.size());
}

absl::string_view TextReader::BytesOf(size_t begin, size_t end) const {
  if (!decodes()) return window().substr(begin, end - begin);
  const size_t before = EncodedBytes(encoding_, window().substr(0, begin));
  return absl::string_view(buffer_).substr(
      begin_ + before,
      EncodedBytes(encoding_, window().substr(begin, end - begin)));
}

}  // namespace troupe::loader
