#include "client/spec/spec_defaults.h"

namespace troupe {
namespace {

constexpr double kDefaultTestShare = 0.2;

}  // namespace

void CompleteSpec(pb::PipelineSpec& spec) {
  if (!spec.split().has_test())
    spec.mutable_split()->set_test(kDefaultTestShare);
}

}  // namespace troupe
