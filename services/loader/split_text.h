// Fetches the text of a split, exactly as it was when it was planned.
//
// Thread safety: functions without state.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/actor/context.h"
#include "services/loader/sources/source_files.h"
#include "troupe/v1/loader.pb.h"

namespace troupe::loader {

// What names the split's text in messages: its file, or the inline text's name.
const std::string& NameOf(const pb::Split& split,
                          const pb::InlineText& inline_text);

// Returns the split's text, decoded, from the file or, when `inline_text` is
// not null, from there. INPUT_CHANGED when file or text are not what they were;
// BAD_MESSAGE when the split cannot be one of Plan's.
absl::StatusOr<std::string> FetchSplit(const pb::Source& source,
                                       const pb::Split& split,
                                       const pb::InlineText* inline_text,
                                       const Context& context,
                                       SourceFiles* files);

// Says whether file or inline text are still what they were, without reading a
// file: INPUT_CHANGED, as above.
absl::Status VerifySplit(const pb::Split& split,
                         const pb::InlineText* inline_text,
                         const SourceFiles& files);

}  // namespace troupe::loader
