// A Resolver finds the addresses of a stage's replicas. gRPC's own resolver
// does not see replicas that were added later, so we look ourselves.
//
// Thread safety: Resolve from one thread at a time. It may block for seconds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace troupe {

class Resolver {
 public:
  virtual ~Resolver() = default;

  // Returns the addresses, sorted and unique: `ipv4:A.B.C.D:PORT`,
  // `ipv6:[X::Y]:PORT` or `unix:PATH`. An empty list says that there is none
  // now; an error says that nothing is known now.
  virtual absl::StatusOr<std::vector<std::string>> Resolve() = 0;

  // How often to ask again.
  virtual absl::Duration interval() const = 0;
};

// A resolver for a target:
//   dns:HOST:PORT              every address of the name, asked every 2 s
//   HOST:PORT,HOST:PORT,...    these; names are asked for every 2 s
//   file:PATH                  one HOST:PORT per line (# begins a comment),
//                              read every second
// IPv4 addresses where a name has any, else IPv6, so that a process with both
// is one replica. INVALID_ARGUMENT (BAD_TARGET) when it is none of these.
absl::StatusOr<std::unique_ptr<Resolver>> MakeResolver(
    absl::string_view target);

}  // namespace troupe
