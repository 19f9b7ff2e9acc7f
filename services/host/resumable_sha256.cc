// Only the low-level functions let a state out and in. OpenSSL 3 calls them
// deprecated, and has nothing in their place.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "services/host/resumable_sha256.h"

#include <openssl/sha.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "services/base/crc32c.h"

namespace troupe {
namespace {

constexpr size_t kStateBytes = 32;
constexpr size_t kSealBytes = 4;
constexpr std::array<uint32_t, 8> kBegin = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};  // FIPS 180-4, 5.3.3.

void AppendWord(uint32_t word, std::string* bytes) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes->push_back(static_cast<char>(word >> shift & 0xff));
}

uint32_t WordAt(absl::string_view bytes, size_t begin) {
  uint32_t word = 0;
  for (size_t i = 0; i < 4; ++i)
    word = word << 8 | static_cast<unsigned char>(bytes[begin + i]);
  return word;
}

// A state belongs to a length: with another it is as good as damaged.
uint32_t Seal(absl::string_view state, int64_t bytes) {
  std::string length;
  AppendWord(static_cast<uint32_t>(bytes >> 32), &length);
  AppendWord(static_cast<uint32_t>(bytes & 0xffffffff), &length);
  return ExtendCrc32c(Crc32c(length), state);
}

// A context that stands behind `bytes` bytes, whole blocks.
SHA256_CTX ContextAt(const std::array<uint32_t, 8>& state, uint64_t bytes) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::copy(state.begin(), state.end(), context.h);
  context.Nl = static_cast<SHA_LONG>(bytes << 3 & 0xffffffff);
  context.Nh = static_cast<SHA_LONG>(bytes >> 29);
  return context;
}

}  // namespace

ResumableSha256::ResumableSha256() : state_(kBegin) {}

std::optional<ResumableSha256> ResumableSha256::Resume(absl::string_view saved,
                                                       int64_t bytes) {
  ResumableSha256 sha256;
  if (saved.empty() && bytes == 0) return sha256;
  if (bytes < 0) return std::nullopt;
  const size_t pending = static_cast<size_t>(bytes) % kBlockBytes;
  if (saved.size() != kStateBytes + pending + kSealBytes) return std::nullopt;
  const absl::string_view state = saved.substr(0, kStateBytes + pending);
  if (WordAt(saved, state.size()) != Seal(state, bytes)) return std::nullopt;
  for (size_t i = 0; i < sha256.state_.size(); ++i)
    sha256.state_[i] = WordAt(state, 4 * i);
  sha256.pending_.assign(state.data() + kStateBytes, pending);
  sha256.bytes_ = bytes;
  return sha256;
}

void ResumableSha256::Update(absl::string_view text) {
  bytes_ += static_cast<int64_t>(text.size());
  if (!pending_.empty()) {
    const size_t taken = std::min(kBlockBytes - pending_.size(), text.size());
    pending_.append(text.data(), taken);
    text.remove_prefix(taken);
    if (pending_.size() < kBlockBytes) return;
  }
  SHA256_CTX context = ContextAt(state_, 0);
  SHA256_Update(&context, pending_.data(), pending_.size());
  const size_t whole = text.size() - text.size() % kBlockBytes;
  SHA256_Update(&context, text.data(), whole);
  std::copy(std::begin(context.h), std::end(context.h), state_.begin());
  text.remove_prefix(whole);
  pending_.assign(text.data(), text.size());
}

std::string ResumableSha256::Save() const {
  std::string saved;
  for (const uint32_t word : state_) AppendWord(word, &saved);
  saved += pending_;
  AppendWord(Seal(saved, bytes_), &saved);
  return saved;
}

std::string ResumableSha256::HexDigest() const {
  SHA256_CTX context =
      ContextAt(state_, static_cast<uint64_t>(bytes_) - pending_.size());
  SHA256_Update(&context, pending_.data(), pending_.size());
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &context);
  return absl::BytesToHexString(digest);
}

}  // namespace troupe
