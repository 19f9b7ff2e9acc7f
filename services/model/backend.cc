#include "services/model/backend.h"

#include "services/model/backends/baseline.h"
#include "services/model/backends/xgboost.h"

namespace troupe::model {

const Registry<const BackendKind*>& Backends() {
  static const auto* const registry = [] {
    auto* const kinds = new Registry<const BackendKind*>("backend");
    kinds->Add("baseline", BaselineKind());
    kinds->Add("xgboost", XgboostKind());
    return kinds;
  }();
  return *registry;
}

}  // namespace troupe::model
