// The text of a gzip file (RFC 1952), all its members one after the other.
//
// Thread safety: as its base class.
#pragma once

#include <zlib.h>

#include <string>

#include "services/loader/sources/compressed_bytes.h"
#include "services/loader/sources/text_stream.h"

namespace troupe::loader {

class GzipStream : public TextStream {
 public:
  GzipStream(FileDescriptor file, std::string name);
  ~GzipStream() override;
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override;
  int64_t consumed() const override { return bytes_.used(); }

 private:
  absl::Status Inflate();
  absl::Status BeginNextMember();

  CompressedBytes bytes_;
  z_stream zlib_ = {};
  bool ready_ = false;   // inflateInit2 succeeded.
  bool inside_ = false;  // Between the beginning and the end of a member.
  bool ended_ = false;
  bool any_member_ = false;
};

}  // namespace troupe::loader
