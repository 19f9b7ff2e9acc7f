// Gradient-boosted trees by XGBoost, through the part of its C API that means
// the same in 1.7 and 3.0.
//
// Thread safety: see services/model/backend.h. XGBoost documents prediction
// from trees as thread-safe; the first one, which configures the booster, is
// made while loading.
#pragma once

#include "services/model/backend.h"

namespace troupe::model {

// Lives for ever.
const BackendKind* XgboostKind();

}  // namespace troupe::model
