// The baseline predicts a constant: mean or median of the training targets, or
// the share of every label.
//
// Thread safety: see services/model/backend.h.
#pragma once

#include "services/model/backend.h"

namespace troupe::model {

// Lives for ever.
const BackendKind* BaselineKind();

}  // namespace troupe::model
