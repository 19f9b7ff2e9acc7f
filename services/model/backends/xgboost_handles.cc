#include "services/model/backends/xgboost_handles.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::model {

absl::Status CheckXgboost(int code, absl::string_view what) {
  if (code == 0) return absl::OkStatus();
  // The text goes on with a stack trace, which helps no user.
  const std::string text = XGBGetLastError();
  const absl::string_view first =
      *absl::StrSplit(text, absl::ByString("\nStack trace")).begin();
  return MakeError(absl::StatusCode::kInvalidArgument, "XGBOOST_FAILED",
                   absl::StrCat("XGBoost could not ", what, ": ", first));
}

absl::StatusOr<Booster> NewBooster(const DMatrixHandle* matrices, int count) {
  BoosterHandle handle = nullptr;
  RETURN_IF_ERROR(CheckXgboost(
      XGBoosterCreate(matrices, static_cast<bst_ulong>(count), &handle),
      "make a model"));
  return Booster(handle);
}

absl::StatusOr<Booster> LoadBooster(absl::string_view ubjson) {
  ASSIGN_OR_RETURN(Booster booster, NewBooster(nullptr, 0));
  RETURN_IF_ERROR(CheckXgboost(
      XGBoosterLoadModelFromBuffer(booster.get(), ubjson.data(), ubjson.size()),
      "read the model"));
  return booster;
}

absl::Status SetParameter(const Booster& booster, const std::string& name,
                          const std::string& value) {
  return CheckXgboost(
      XGBoosterSetParam(booster.get(), name.c_str(), value.c_str()),
      absl::StrCat("take the parameter ", name));
}

std::string ArrayInterface(const void* values, int64_t rows, int64_t cols,
                           absl::string_view type) {
  return absl::StrCat("{\"data\":[", reinterpret_cast<uintptr_t>(values),
                      ",true],\"shape\":[", rows,
                      cols > 0 ? absl::StrCat(",", cols) : "",
                      "],\"typestr\":\"", type, "\",\"version\":3}");
}

std::string XgboostVersionText() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  XGBoostVersion(&major, &minor, &patch);
  return absl::StrCat("xgboost ", major, ".", minor, ".", patch);
}

}  // namespace troupe::model
