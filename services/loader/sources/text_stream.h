// A TextStream is text that can be read once, from its beginning or from
// wherever it was opened.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/loader/sources/file_descriptor.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe::loader {

class TextStream {
 public:
  virtual ~TextStream() = default;

  // Reads at most `size` bytes; 0 at the end only. BAD_INPUT when the bytes are
  // not what they claim to be.
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t size) = 0;

  // Bytes used up of what lies below (the compressed file).
  virtual int64_t consumed() const = 0;
};

// A stream of the file's text. Errors call it `name`. NONE begins at `offset`;
// the others can only begin at 0.
std::unique_ptr<TextStream> OpenTextStream(FileDescriptor file,
                                           pb::Compression compression,
                                           std::string name, int64_t offset);

// A stream of text that is held in memory.
std::unique_ptr<TextStream> MakeMemoryStream(std::string text);

}  // namespace troupe::loader
