#include "client/cli/file_chunks.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr size_t kRawBytes = size_t{256} << 10;

class PlainChunks : public FileChunks {
 public:
  PlainChunks(std::string path, File file)
      : FileChunks(std::move(path), std::move(file)) {}
  absl::StatusOr<std::string> Next() override { return ReadRaw(); }
};

class GzipChunks : public FileChunks {
 public:
  GzipChunks(std::string path, File file)
      : FileChunks(std::move(path), std::move(file)) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK;
  }
  ~GzipChunks() override { inflateEnd(&stream_); }

  absl::StatusOr<std::string> Next() override {
    if (!ready_) return Broken("cannot be decompressed: out of memory");
    std::string chunk(kReadBytes, '\0');
    stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream_.avail_out = static_cast<uInt>(chunk.size());
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0) RETURN_IF_ERROR(Refill());
      if (stream_.avail_in == 0) {
        if (in_member_ || !any_member_)
          return Broken("the gzip data end early");
        break;
      }
      if (!in_member_ && any_member_ && SkipPadding()) continue;
      in_member_ = any_member_ = true;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {  // Another member may follow.
        in_member_ = false;
        inflateReset(&stream_);
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return Broken("not gzip data, or damaged");
      }
    }
    chunk.resize(chunk.size() - stream_.avail_out);
    return chunk;
  }

 private:
  absl::Status Refill() {
    ASSIGN_OR_RETURN(raw_, ReadRaw());
    stream_.next_in = reinterpret_cast<Bytef*>(raw_.data());
    stream_.avail_in = static_cast<uInt>(raw_.size());
    return absl::OkStatus();
  }

  // Tapes pad the last member with zeros.
  bool SkipPadding() {
    bool skipped = false;
    while (stream_.avail_in > 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
      skipped = true;
    }
    return skipped;
  }

  z_stream stream_ = {};
  bool ready_ = false;
  bool in_member_ = false;
  bool any_member_ = false;
  std::string raw_;
};

class ZstdChunks : public FileChunks {
 public:
  ZstdChunks(std::string path, File file)
      : FileChunks(std::move(path), std::move(file)),
        stream_(ZSTD_createDStream()) {}

  absl::StatusOr<std::string> Next() override {
    if (stream_ == nullptr)
      return Broken("cannot be decompressed: out of memory");
    std::string chunk(kReadBytes, '\0');
    ZSTD_outBuffer out = {chunk.data(), chunk.size(), 0};
    while (out.pos < out.size) {
      if (in_.pos == in_.size) {
        ASSIGN_OR_RETURN(raw_, ReadRaw());
        in_ = {raw_.data(), raw_.size(), 0};
      }
      const bool at_end = in_.size == 0;
      if (at_end && !in_frame_ && any_frame_) break;
      const size_t before = out.pos;
      const size_t result = ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (ZSTD_isError(result)) return Broken("not zstd data, or damaged");
      in_frame_ = result != 0;
      any_frame_ = any_frame_ || !at_end;
      if (at_end && in_frame_ && out.pos == before)
        return Broken("the zstd data end early");
    }
    chunk.resize(out.pos);
    return chunk;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool in_frame_ = false;
  bool any_frame_ = false;
  std::string raw_;
  ZSTD_inBuffer in_ = {nullptr, 0, 0};
};

// What begins so is packed so.
pb::Compression CompressionOfBytes(absl::string_view bytes) {
  if (absl::StartsWith(bytes, "\x1f\x8b")) return pb::GZIP;
  if (absl::StartsWith(bytes, "\x28\xb5\x2f\xfd")) return pb::ZSTD;
  return pb::NONE;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileChunks>> FileChunks::Open(
    const std::string& path, pb::Compression compression) {
  const bool standard_input = path == kStandardInput;
  File file(standard_input ? fdopen(dup(STDIN_FILENO), "rb")
                           : std::fopen(path.c_str(), "rb"));
  if (file == nullptr && (errno == ENOENT || errno == ENOTDIR))
    return FileNotFound(path);
  if (file == nullptr)
    return BadInput(path, 0, 0,
                    absl::StrCat("cannot be opened: ", std::strerror(errno)));
  struct stat status = {};
  fstat(fileno(file.get()), &status);
  if (S_ISDIR(status.st_mode))
    return BadInput(path, 0, 0, "a directory, not a file");
  std::string ahead;
  if (standard_input && compression == pb::COMPRESSION_UNSPECIFIED) {
    ahead.resize(4);
    ahead.resize(std::fread(ahead.data(), 1, ahead.size(), file.get()));
    compression = CompressionOfBytes(ahead);
  }
  if (compression == pb::COMPRESSION_UNSPECIFIED)
    compression = CompressionOf(path);
  std::unique_ptr<FileChunks> chunks;
  if (compression == pb::GZIP) {
    chunks = std::make_unique<GzipChunks>(path, std::move(file));
  } else if (compression == pb::ZSTD) {
    chunks = std::make_unique<ZstdChunks>(path, std::move(file));
  } else {
    chunks = std::make_unique<PlainChunks>(path, std::move(file));
  }
  chunks->ahead_ = std::move(ahead);
  if (S_ISREG(status.st_mode)) chunks->bytes_total_ = status.st_size;
  return chunks;
}

absl::StatusOr<std::string> FileChunks::ReadRaw() {
  if (!ahead_.empty()) {
    bytes_read_ += static_cast<int64_t>(ahead_.size());
    return std::exchange(ahead_, "");
  }
  std::string raw(kRawBytes, '\0');
  raw.resize(std::fread(raw.data(), 1, raw.size(), file_.get()));
  if (raw.empty() && std::ferror(file_.get()) != 0)
    return Broken("cannot be read to its end");
  bytes_read_ += static_cast<int64_t>(raw.size());
  return raw;
}

absl::Status FileChunks::Broken(const char* what) const {
  return BadInput(path_, 0, 0, what);
}

}  // namespace troupe
