// Which kernel this process runs on, since that kernel started: processes that
// get the same answer see the same devices and inodes, in whatever containers.
//
// Thread safety: any thread.
#pragma once

#include <string>

namespace troupe {

// "" where the system does not say.
std::string BootId();

}  // namespace troupe
