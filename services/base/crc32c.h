// CRC-32C (RFC 3720, section 12.1), by the processor where it can.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace troupe {

uint32_t Crc32c(absl::string_view text);

// The checksum of what `crc` is the checksum of, followed by `text`.
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view text);

// The same, by tables alone: what the others fall back to.
uint32_t ExtendCrc32cByTable(uint32_t crc, absl::string_view text);

}  // namespace troupe
