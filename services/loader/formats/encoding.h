// Encodings of text: how bytes become the UTF-8 that everything else reads.
// Decoding can be undone, so that a place in the text is a place in the bytes.
//
// Thread safety: functions without state.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "troupe/v1/loader.pb.h"

namespace troupe::loader {

// UTF_16 for "utf-16", whose byte order a mark tells. Nothing when there is no
// such encoding. latin-1 is windows-1252, as the WHATWG's Encoding standard
// has it.
std::optional<pb::TextEncoding> EncodingByName(absl::string_view name);

// The name for messages.
absl::string_view EncodingName(pb::TextEncoding encoding);

// What a file in `declared` is that begins with `beginning` (2 bytes are
// enough): UTF-16 where a mark says so and the declaration is UTF-8 or UTF-16.
// Never UTF_16: without a mark that is little endian.
pb::TextEncoding DetectEncoding(pb::TextEncoding declared,
                                absl::string_view beginning);

// Appends `bytes` as UTF-8 to `text` and returns how many it took: all, but for
// a character that is incomplete at the end and not `last`. What is no
// character becomes bytes that are no UTF-8 (see FindBadByte). UTF-8 is copied.
size_t Decode(pb::TextEncoding encoding, absl::string_view bytes, bool last,
              std::string* text);

// How many bytes `text` was before Decode.
size_t EncodedBytes(pb::TextEncoding encoding, absl::string_view text);

}  // namespace troupe::loader
