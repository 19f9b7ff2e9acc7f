// FileChunks reads a local file piece by piece, decompressed, in bounded
// memory.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// What names standard input, and standard output, in place of a file.
inline constexpr char kStandardInput[] = "-";

class FileChunks {
 public:
  virtual ~FileChunks() = default;

  // Opens `path`, "-" for standard input. NOT_FOUND (FILE_NOT_FOUND), or
  // INVALID_ARGUMENT (BAD_INPUT) for what cannot be read.
  // COMPRESSION_UNSPECIFIED goes by the ending; of standard input, by how it
  // begins.
  static absl::StatusOr<std::unique_ptr<FileChunks>> Open(
      const std::string& path, pb::Compression compression);

  // At most 1 MiB; "" at the end. INVALID_ARGUMENT (BAD_INPUT) for compressed
  // data that is none, is damaged or ends early.
  virtual absl::StatusOr<std::string> Next() = 0;

  // How far the file was read, in bytes of the file itself.
  int64_t bytes_read() const { return bytes_read_; }
  // Its size; 0 where unknown (a pipe).
  int64_t bytes_total() const { return bytes_total_; }

 protected:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  FileChunks(std::string path, File file)
      : path_(std::move(path)), file_(std::move(file)) {}

  // The next bytes of the file itself; "" at the end.
  absl::StatusOr<std::string> ReadRaw();
  absl::Status Broken(const char* what) const;

  const std::string path_;

 private:
  File file_;
  std::string ahead_;  // Read already, to see what it is.
  int64_t bytes_read_ = 0;
  int64_t bytes_total_ = 0;
};

}  // namespace troupe
