// Where in a text something stands, and how messages show it.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/loader/formats/row_parser.h"
#include "services/table/rejected_rows.h"

namespace troupe::loader {

// Where the byte at `offset` of `record` stands.
RejectedRows::Place PlaceIn(const Record& record, size_t offset);

// `value` in quotes, escaped, at most 64 bytes of it.
std::string Quoted(absl::string_view value);

// How many bytes at the beginning of `text` are well-formed UTF-8.
size_t ValidUtf8Prefix(absl::string_view text);

// Why `text`, decoded from `encoding`, cannot be text: a NUL byte, or bytes
// that are no characters.
std::optional<RowError> FindBadByte(absl::string_view text,
                                    pb::TextEncoding encoding = pb::UTF_8);

}  // namespace troupe::loader
