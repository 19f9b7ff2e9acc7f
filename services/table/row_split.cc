#include "services/table/row_split.h"

namespace troupe {
namespace {

// Whether the hash, as a fraction of 2^64, is below `share`.
bool Below(uint64_t hash, double share) {
  // 53 bits are what a double holds exactly, so every machine agrees.
  return static_cast<double>(hash >> 11) * 0x1p-53 < share;
}

uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t RowHash(uint64_t seed, int64_t ordinal) {
  return Mix(Mix(seed) ^ static_cast<uint64_t>(ordinal));
}

RowRole RoleOfRow(const pb::SplitSpec& split, int64_t ordinal) {
  const uint64_t hash = RowHash(split.seed(), ordinal);
  if (Below(hash, split.test())) return RowRole::kTest;
  if (Below(hash, split.test() + split.validation()))
    return RowRole::kValidation;
  return RowRole::kTrain;
}

bool Contains(pb::RowSet set, RowRole role) {
  switch (set) {
    case pb::TRAIN_ROWS:
      return role == RowRole::kTrain;
    case pb::TRAIN_AND_VALIDATION_ROWS:
      return role != RowRole::kTest;
    case pb::TEST_ROWS:
      return role == RowRole::kTest;
    case pb::VALIDATION_ROWS:
      return role == RowRole::kValidation;
    default:
      return true;
  }
}

}  // namespace troupe
