// `pb::` is the one name that our code uses for the generated protos.
#pragma once

namespace troupe::v1 {}
namespace troupe {
namespace pb = v1;
}  // namespace troupe
