// A ResumableSha256 is a SHA-256 (FIPS 180-4) that can be set down between two
// pieces of a text, as bytes, and taken up again by another process.
//
// Thread safety: one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace troupe {

class ResumableSha256 {
 public:
  // Of no text yet.
  ResumableSha256();

  // Goes on from what Save returned after `bytes` bytes of text; after none,
  // empty bytes will do. Nothing when `saved` is damaged or belongs to another
  // length. Who makes a state up gets a wrong digest, and no more than that.
  static std::optional<ResumableSha256> Resume(absl::string_view saved,
                                               int64_t bytes);

  void Update(absl::string_view text);

  // At most 99 bytes.
  std::string Save() const;

  // Bytes of text so far.
  int64_t bytes() const { return bytes_; }
  // Of the text so far: 64 hex digits. More text may follow.
  std::string HexDigest() const;

 private:
  static constexpr size_t kBlockBytes = 64;

  std::array<uint32_t, 8> state_;  // After the last whole block.
  std::string pending_;            // Text that fills no block yet.
  int64_t bytes_ = 0;
};

}  // namespace troupe
