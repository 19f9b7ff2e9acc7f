// CompressedBytes hands the bytes of a file to a decompressor, block by block.
//
// Thread safety: one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/loader/sources/file_descriptor.h"

namespace troupe::loader {

class CompressedBytes {
 public:
  CompressedBytes(FileDescriptor file, std::string name)
      : file_(std::move(file)), name_(std::move(name)) {}

  // Reads the next block once the last one is used up.
  absl::Status Refill();

  absl::string_view available() const {
    return {block_.data() + begin_, left_};
  }
  void Use(size_t bytes) {
    begin_ += bytes;
    left_ -= bytes;
  }
  // Whether nothing is left, here and in the file.
  bool ended() const { return ended_ && left_ == 0; }
  int64_t used() const { return read_ - static_cast<int64_t>(left_); }
  // BAD_INPUT: "NAME: MESSAGE".
  absl::Status Bad(absl::string_view message) const;

 private:
  const FileDescriptor file_;
  const std::string name_;
  std::array<char, 256 << 10> block_;
  size_t begin_ = 0;
  size_t left_ = 0;
  int64_t read_ = 0;
  bool ended_ = false;
};

}  // namespace troupe::loader
