// The text of a Zstandard file (RFC 8878), all its frames one after the other.
//
// Thread safety: as its base class.
#pragma once

#include <zstd.h>
#include <zstd_errors.h>

#include <memory>
#include <string>

#include "services/loader/sources/compressed_bytes.h"
#include "services/loader/sources/text_stream.h"

namespace troupe::loader {

class ZstdStream : public TextStream {
 public:
  ZstdStream(FileDescriptor file, std::string name);

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override;
  int64_t consumed() const override { return bytes_.used(); }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  CompressedBytes bytes_;
  std::unique_ptr<ZSTD_DStream, Free> zstd_;
  bool inside_ = false;  // Between the beginning and the end of a frame.
};

}  // namespace troupe::loader
