// A guess of how a file is written, from its beginning. Only for showing: a job
// never guesses.
//
// Thread safety: a function without state.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// The format, and for CSV delimiter and quote ("" where quotes stand in the
// text as ordinary characters), of a file that begins with `beginning`; `whole`
// when that is all of it. Nothing where it has no lines. What fits best is that
// by which most records have one number of fields, and quotes begin and end
// them.
std::optional<pb::Source> GuessSource(absl::string_view beginning, bool whole);

}  // namespace troupe
