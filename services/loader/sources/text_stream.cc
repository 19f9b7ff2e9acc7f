#include "services/loader/sources/text_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/sources/gzip_stream.h"
#include "services/loader/sources/read_file.h"
#include "services/loader/sources/zstd_stream.h"

namespace troupe::loader {
namespace {

class PlainStream : public TextStream {
 public:
  PlainStream(FileDescriptor file, std::string name, int64_t offset)
      : file_(std::move(file)), name_(std::move(name)), position_(offset) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    ASSIGN_OR_RETURN(const size_t bytes,
                     ReadFileAt(file_, position_, buffer, size));
    if (position_ == 0)
      RETURN_IF_ERROR(CheckPlain(absl::string_view(buffer, bytes)));
    position_ += static_cast<int64_t>(bytes);
    return bytes;
  }
  int64_t consumed() const override { return position_; }

 private:
  // Compressed bytes read as text would give a very long list of bad rows.
  absl::Status CheckPlain(absl::string_view beginning) const {
    const absl::string_view kGzip("\x1f\x8b", 2);
    const absl::string_view kZstd("\x28\xb5\x2f\xfd", 4);
    const char* const found = beginning.substr(0, 2) == kGzip   ? "gzip"
                              : beginning.substr(0, 4) == kZstd ? "zstd"
                                                                : nullptr;
    if (found == nullptr) return absl::OkStatus();
    return BadInput(name_, 0, 0,
                    std::string("the file holds ") + found +
                        " data; say so with `compression: " + found + "`");
  }

  const FileDescriptor file_;
  const std::string name_;
  int64_t position_;
};

class MemoryStream : public TextStream {
 public:
  explicit MemoryStream(std::string text) : text_(std::move(text)) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    const size_t bytes = std::min(size, text_.size() - position_);
    std::memcpy(buffer, text_.data() + position_, bytes);
    position_ += bytes;
    return bytes;
  }
  int64_t consumed() const override { return static_cast<int64_t>(position_); }

 private:
  const std::string text_;
  size_t position_ = 0;
};

}  // namespace

std::unique_ptr<TextStream> OpenTextStream(FileDescriptor file,
                                           pb::Compression compression,
                                           std::string name, int64_t offset) {
  if (compression == pb::GZIP)
    return std::make_unique<GzipStream>(std::move(file), std::move(name));
  if (compression == pb::ZSTD)
    return std::make_unique<ZstdStream>(std::move(file), std::move(name));
  return std::make_unique<PlainStream>(std::move(file), std::move(name),
                                       offset);
}

std::unique_ptr<TextStream> MakeMemoryStream(std::string text) {
  return std::make_unique<MemoryStream>(std::move(text));
}

}  // namespace troupe::loader
