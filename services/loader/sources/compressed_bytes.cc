#include "services/loader/sources/compressed_bytes.h"

#include <cerrno>

#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/sources/read_file.h"

namespace troupe::loader {

absl::Status CompressedBytes::Refill() {
  if (left_ > 0 || ended_) return absl::OkStatus();
  ASSIGN_OR_RETURN(const size_t bytes,
                   ReadFileAt(file_, read_, block_.data(), block_.size()));
  ended_ = bytes == 0;
  begin_ = 0;
  left_ = bytes;
  read_ += static_cast<int64_t>(bytes);
  return absl::OkStatus();
}

absl::Status CompressedBytes::Bad(absl::string_view message) const {
  return BadInput(name_, 0, 0, message);
}

}  // namespace troupe::loader
