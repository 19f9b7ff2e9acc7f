// What to write in place of a key that is none: for keys of XGBoost and
// LightGBM that have no key of their own here, and for those that stand in the
// wrong place.
//
// Thread safety: functions without state.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace troupe {

// The end of a message about `key`, which is no key of `type` at `path`:
// `; it belongs below roles`; "" where nothing is known.
std::string AdviceFor(absl::string_view key, absl::string_view path,
                      const google::protobuf::Descriptor& type);

}  // namespace troupe
