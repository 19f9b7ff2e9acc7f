#include "client/cli/compressor.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>

#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr size_t kPackedBytes = size_t{256} << 10;

absl::Status CannotCompress() {
  return absl::InternalError("cannot compress: out of memory");
}

class Gzip : public Compressor {
 public:
  Gzip() {
    constexpr int kGzipHeader = 16 + MAX_WBITS;
    constexpr int kMemory = 9;  // The most there is; 256 KB.
    ready_ = deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipHeader,
                          kMemory, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Gzip() override { deflateEnd(&stream_); }

  absl::Status Add(absl::string_view bytes, bool last,
                   const Sink& sink) override {
    if (!ready_) return CannotCompress();
    do {  // Its counts have 32 bits.
      const absl::string_view piece = bytes.substr(0, kMostAtOnce);
      bytes.remove_prefix(piece.size());
      RETURN_IF_ERROR(AddPiece(piece, last && bytes.empty(), sink));
    } while (!bytes.empty());
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kMostAtOnce = size_t{1} << 30;

  absl::Status AddPiece(absl::string_view piece, bool last, const Sink& sink) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    int result = Z_OK;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(packed_.data());
      stream_.avail_out = static_cast<uInt>(packed_.size());
      result = deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      if (result == Z_STREAM_ERROR) return CannotCompress();
      RETURN_IF_ERROR(sink(absl::string_view(
          packed_.data(), packed_.size() - stream_.avail_out)));
    } while (stream_.avail_out == 0 || (last && result != Z_STREAM_END));
    return absl::OkStatus();
  }

  z_stream stream_ = {};
  bool ready_ = false;
  std::string packed_ = std::string(kPackedBytes, '\0');
};

class Zstd : public Compressor {
 public:
  Zstd() : stream_(ZSTD_createCCtx()) {
    if (stream_ != nullptr)
      ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_checksumFlag, 1);
  }

  absl::Status Add(absl::string_view bytes, bool last,
                   const Sink& sink) override {
    if (stream_ == nullptr) return CannotCompress();
    ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
    size_t left = 0;
    do {
      ZSTD_outBuffer out = {packed_.data(), packed_.size(), 0};
      left = ZSTD_compressStream2(stream_.get(), &out, &in,
                                  last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left)) return CannotCompress();
      RETURN_IF_ERROR(sink(absl::string_view(packed_.data(), out.pos)));
    } while (last ? left != 0 : in.pos < in.size);
    return absl::OkStatus();
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* stream) const { ZSTD_freeCCtx(stream); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> stream_;
  std::string packed_ = std::string(kPackedBytes, '\0');
};

}  // namespace

std::unique_ptr<Compressor> Compressor::For(pb::Compression compression) {
  if (compression == pb::GZIP) return std::make_unique<Gzip>();
  if (compression == pb::ZSTD) return std::make_unique<Zstd>();
  return nullptr;
}

}  // namespace troupe
