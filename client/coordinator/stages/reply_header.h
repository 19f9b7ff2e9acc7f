// What the dispatcher reads of requests and replies: the few fields that the
// methods with a BatchId have in common, by number, whatever the method.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// Whether `method` is one on a batch: Load, Process or Observe. Those are pure,
// may be isolated, and may run twice at once.
bool IsBatchMethod(absl::string_view method);

// The `id` of a serialized request or reply of `method`, serialized as it is
// there. Nothing where the method has none, or the header is malformed.
std::optional<std::string> IdOf(absl::string_view method,
                                const std::string& header);

// Whether two serialized ids say the same, however they are written. Nothing
// equals one that is malformed, except its own bytes.
bool SameId(const std::string& a, const std::string& b);

// Of a serialized reply of `method`.
struct ReplyCounts {
  int64_t rows = 0;
  std::optional<int64_t> credit;  // Where the method tells it.
};
ReplyCounts CountsOf(absl::string_view method, const std::string& header);

// Whether a serialized reply of `method` rejects rows that crashed or hung a
// child process (STAGE_CRASH, STAGE_TIMEOUT).
bool RejectsCrashes(absl::string_view method, const std::string& header);

}  // namespace troupe
