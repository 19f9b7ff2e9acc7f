#include "services/loader/sources/zstd_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace troupe::loader {

ZstdStream::ZstdStream(FileDescriptor file, std::string name)
    : bytes_(std::move(file), std::move(name)), zstd_(ZSTD_createDStream()) {}

absl::StatusOr<size_t> ZstdStream::Read(char* buffer, size_t size) {
  if (zstd_ == nullptr)
    return absl::ResourceExhaustedError("no memory for zstd");
  ZSTD_outBuffer out = {buffer, size, 0};
  while (out.pos == 0) {
    RETURN_IF_ERROR(bytes_.Refill());
    const bool starved = bytes_.ended();
    if (starved && bytes_.used() == 0)
      return bytes_.Bad("the file is empty, not zstd data");
    if (starved && !inside_) break;
    ZSTD_inBuffer in = {bytes_.available().data(), bytes_.available().size(),
                        0};
    const size_t result = ZSTD_decompressStream(zstd_.get(), &out, &in);
    bytes_.Use(in.pos);
    if (ZSTD_isError(result) != 0) {
      if (ZSTD_getErrorCode(result) == ZSTD_error_prefix_unknown &&
          bytes_.used() <= 4)
        return bytes_.Bad("not a zstd file, although named or declared as one");
      return bytes_.Bad(absl::StrCat("corrupt zstd data near byte ",
                                     bytes_.used(), ": ",
                                     ZSTD_getErrorName(result)));
    }
    inside_ = result != 0;
    if (starved && inside_ && out.pos == 0)
      return bytes_.Bad("the zstd data end too early; the file is cut off");
  }
  return out.pos;
}

}  // namespace troupe::loader
