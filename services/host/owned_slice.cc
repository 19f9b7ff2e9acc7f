#include "services/host/owned_slice.h"

#include <utility>

namespace troupe {
namespace {

constexpr uint32_t kLengthDelimited = 2;

void AppendVarint(uint64_t value, std::string* bytes) {
  for (; value >= 0x80; value >>= 7)
    bytes->push_back(static_cast<char>(value | 0x80));
  bytes->push_back(static_cast<char>(value));
}

}  // namespace

grpc::Slice SliceOf(std::string bytes) {
  auto* const owned = new std::string(std::move(bytes));
  return grpc::Slice(
      owned->data(), owned->size(),
      [](void* string) { delete static_cast<std::string*>(string); }, owned);
}

std::string BytesKey(uint32_t field, uint64_t size) {
  std::string key;
  AppendVarint(uint64_t{field} << 3 | kLengthDelimited, &key);
  AppendVarint(size, &key);
  return key;
}

}  // namespace troupe
