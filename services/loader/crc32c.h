// CRC-32C (RFC 3720, section 12.1), by the processor where it can.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace troupe::loader {

uint32_t Crc32c(absl::string_view text);

// The same, by tables alone: what Crc32c falls back to.
uint32_t Crc32cByTable(absl::string_view text);

}  // namespace troupe::loader
