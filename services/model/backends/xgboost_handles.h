// Owners of XGBoost's handles, and its error codes as statuses.
//
// Thread safety: as for the handles: a Booster may predict from any thread once
// it is configured; all else one thread at a time.
#pragma once

#include <xgboost/c_api.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace troupe::model {

// OK for 0. Otherwise XGBoost's own words (its last error, which is per
// thread): INVALID_ARGUMENT (XGBOOST_FAILED). `what` says what was tried.
absl::Status CheckXgboost(int code, absl::string_view what);

struct FreeBooster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};
struct FreeMatrix {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
using Booster = std::unique_ptr<void, FreeBooster>;
using Matrix = std::unique_ptr<void, FreeMatrix>;

// A booster without trees, that knows the matrices it will see.
absl::StatusOr<Booster> NewBooster(const DMatrixHandle* matrices, int count);

// A booster from UBJSON that has been checked.
absl::StatusOr<Booster> LoadBooster(absl::string_view ubjson);

absl::Status SetParameter(const Booster& booster, const std::string& name,
                          const std::string& value);

// XGBoost's description of an array in memory. `type` is `<f4`, `<f8`.
std::string ArrayInterface(const void* values, int64_t rows, int64_t cols,
                           absl::string_view type);

// "xgboost 1.7.4".
std::string XgboostVersionText();

}  // namespace troupe::model
