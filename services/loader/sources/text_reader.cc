#include "services/loader/sources/text_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::loader {
namespace {

// Small texts may be as repetitive as they like.
constexpr int64_t kFreeInflationBytes = 64 << 20;
constexpr size_t kFirstBytes = size_t{1} << 16;

}  // namespace

absl::Status TextReader::Fill(size_t bytes) {
  if (window().size() >= bytes || ended_) return absl::OkStatus();
  buffer_.erase(0, begin_);
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

void TextReader::Discard(size_t bytes) {
  if (sink_) sink_(window().substr(0, bytes));
  begin_ += bytes;
  position_ += static_cast<int64_t>(bytes);
}

}  // namespace troupe::loader
