// Opens what lies below a directory, and nothing else.
//
// Thread safety: functions without state.
#pragma once

#include "absl/strings/string_view.h"
#include "services/loader/sources/file_descriptor.h"

namespace troupe::loader {

// Opens `path`, relative to `directory`, with `flags` (O_RDONLY and the like).
// Invalid, with errno set, when it cannot: EXDEV (or ELOOP) when the path leads
// out of the directory. Links that stay inside are followed.
FileDescriptor OpenBeneath(const FileDescriptor& directory,
                           absl::string_view path, int flags);

// The same for kernels without openat2: step by step, and no links at all.
FileDescriptor OpenBeneathStepwise(const FileDescriptor& directory,
                                   absl::string_view path, int flags);

}  // namespace troupe::loader
