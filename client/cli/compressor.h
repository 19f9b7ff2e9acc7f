// A Compressor packs what is written to a file, as the file's ending asks.
//
// Thread safety: one thread.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

class Compressor {
 public:
  // Takes packed bytes; an error ends Add.
  using Sink = std::function<absl::Status(absl::string_view)>;

  // One gzip member (RFC 1952, level 1: output is written as fast as it comes)
  // or one zstd frame (RFC 8878, with a checksum). Null for NONE.
  static std::unique_ptr<Compressor> For(pb::Compression compression);
  virtual ~Compressor() = default;

  // Hands on what came of `bytes` so far. After the `last` call, which may
  // bring none, the whole is with `sink`. INTERNAL when memory is short.
  virtual absl::Status Add(absl::string_view bytes, bool last,
                           const Sink& sink) = 0;
};

}  // namespace troupe
