#include "services/loader/sources/gzip_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace troupe::loader {

GzipStream::GzipStream(FileDescriptor file, std::string name)
    : bytes_(std::move(file), std::move(name)) {
  constexpr int kGzipOnly = 16;
  ready_ = inflateInit2(&zlib_, MAX_WBITS + kGzipOnly) == Z_OK;
}

GzipStream::~GzipStream() {
  if (ready_) inflateEnd(&zlib_);
}

// Zeros after the last member are padding (tape blocks), as for gzip itself.
absl::Status GzipStream::BeginNextMember() {
  while (true) {
    RETURN_IF_ERROR(bytes_.Refill());
    if (bytes_.ended()) {
      ended_ = true;
      return any_member_ ? absl::OkStatus()
                         : bytes_.Bad("the file is empty, not gzip data");
    }
    if (!any_member_ || bytes_.available().front() != '\0') break;
    bytes_.Use(1);
  }
  inflateReset(&zlib_);
  inside_ = true;
  return absl::OkStatus();
}

absl::Status GzipStream::Inflate() {
  const absl::string_view in = bytes_.available();
  zlib_.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));  // Only read.
  zlib_.avail_in = static_cast<uInt>(in.size());
  const int result = inflate(&zlib_, Z_NO_FLUSH);
  bytes_.Use(in.size() - zlib_.avail_in);
  if (result == Z_STREAM_END) {
    inside_ = false;
    any_member_ = true;
    return absl::OkStatus();
  }
  if (result == Z_OK || result == Z_BUF_ERROR) return absl::OkStatus();
  if (bytes_.used() <= 10 && !any_member_)
    return bytes_.Bad("not a gzip file, although named or declared as one");
  return bytes_.Bad(absl::StrCat("corrupt gzip data near byte ", bytes_.used(),
                                 zlib_.msg != nullptr ? ": " : "",
                                 zlib_.msg != nullptr ? zlib_.msg : ""));
}

absl::StatusOr<size_t> GzipStream::Read(char* buffer, size_t size) {
  if (!ready_) return absl::ResourceExhaustedError("no memory for zlib");
  // zlib counts in 32 bits.
  const auto room = static_cast<uInt>(std::min<size_t>(size, 1U << 30));
  zlib_.next_out = reinterpret_cast<Bytef*>(buffer);
  zlib_.avail_out = room;
  while (zlib_.avail_out == room && !ended_) {
    if (!inside_) {
      RETURN_IF_ERROR(BeginNextMember());
      continue;
    }
    RETURN_IF_ERROR(bytes_.Refill());
    const bool starved = bytes_.ended();
    RETURN_IF_ERROR(Inflate());
    if (starved && inside_ && zlib_.avail_out == room)
      return bytes_.Bad("the gzip data end too early; the file is cut off");
  }
  return room - zlib_.avail_out;
}

}  // namespace troupe::loader
