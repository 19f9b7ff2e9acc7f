// SHA-256 of bytes, as artifacts and files are named.
//
// Thread safety: an object belongs to one thread; the function to any.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

struct evp_md_ctx_st;

namespace troupe {

// Hashes bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  void Update(absl::string_view bytes);
  // 64 lower-case hex digits. Ends the object's use.
  std::string Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);

// Whether `text` is 64 lower-case hex digits.
bool IsSha256Hex(absl::string_view text);

}  // namespace troupe
