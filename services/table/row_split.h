// Decides which rows are for training, validation and test: by a hash of seed
// and row ordinal, so that every actor decides alike, in any order.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>

#include "proto/pb.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

enum class RowRole { kTrain, kValidation, kTest };

// Uniform over 64 bits (SplitMix64 finalizer of Steele, Lea, Flood 2014,
// applied to the ordinal and to the seed).
uint64_t RowHash(uint64_t seed, int64_t ordinal);

// TEST where hash < test * 2^64, then VALIDATION, otherwise TRAIN.
RowRole RoleOfRow(const pb::SplitSpec& split, int64_t ordinal);

// Whether a row of that role belongs to `set`.
bool Contains(pb::RowSet set, RowRole role);

}  // namespace troupe
