#include "services/model/backends/xgboost_matrix.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

// What XGBoost's callbacks see: all rows are one batch, and are asked for in
// four passes. They are mapped, so the kernel may take the memory back.
struct OneBatch {
  DMatrixHandle proxy = nullptr;
  const TrainingRows* rows = nullptr;
  const float* values = nullptr;
  bool given = false;
  absl::Status status;
};

void ResetBatch(DataIterHandle handle) {
  static_cast<OneBatch*>(handle)->given = false;
}

int NextBatch(DataIterHandle handle) {
  OneBatch& batch = *static_cast<OneBatch*>(handle);
  if (batch.given || !batch.status.ok()) return 0;
  batch.given = true;
  const std::string interface = ArrayInterface(
      batch.values, batch.rows->rows(), batch.rows->features->cols(), "<f4");
  batch.status =
      CheckXgboost(XGProxyDMatrixSetDataDense(batch.proxy, interface.c_str()),
                   "take the rows");
  if (batch.status.ok()) batch.status = SetTargets(batch.proxy, *batch.rows);
  return batch.status.ok() ? 1 : 0;
}

}  // namespace

absl::Status SetTargets(DMatrixHandle matrix, const TrainingRows& rows) {
  RETURN_IF_ERROR(CheckXgboost(
      XGDMatrixSetInfoFromInterface(
          matrix, "label",
          ArrayInterface(rows.targets.data(), rows.rows(), 0, "<f8").c_str()),
      "take the targets"));
  if (rows.weights.empty()) return absl::OkStatus();
  return CheckXgboost(
      XGDMatrixSetInfoFromInterface(
          matrix, "weight",
          ArrayInterface(rows.weights.data(), rows.rows(), 0, "<f4").c_str()),
      "take the weights");
}

absl::StatusOr<Matrix> BinnedMatrix(const TrainingRows& rows,
                                    const std::string& max_bins, int threads) {
  OneBatch batch;
  batch.rows = &rows;
  ASSIGN_OR_RETURN(batch.values, rows.features->Map());
  RETURN_IF_ERROR(
      CheckXgboost(XGProxyDMatrixCreate(&batch.proxy), "make a matrix"));
  const Matrix proxy(batch.proxy);
  const std::string config = absl::StrCat(
      "{\"missing\":NaN,\"nthread\":", threads, ",\"max_bin\":", max_bins, "}");
  DMatrixHandle handle = nullptr;
  const int code = XGQuantileDMatrixCreateFromCallback(
      &batch, batch.proxy, nullptr, ResetBatch, NextBatch, config.c_str(),
      &handle);
  Matrix matrix(handle);
  RETURN_IF_ERROR(batch.status);
  RETURN_IF_ERROR(CheckXgboost(code, "sort the training rows into bins"));
  return matrix;
}

absl::StatusOr<Matrix> PlainMatrix(const TrainingRows& rows, int threads) {
  ASSIGN_OR_RETURN(const float* values, rows.features->Map());
  DMatrixHandle handle = nullptr;
  const std::string interface =
      ArrayInterface(values, rows.rows(), rows.features->cols(), "<f4");
  const std::string config =
      absl::StrCat("{\"missing\":NaN,\"nthread\":", threads, "}");
  RETURN_IF_ERROR(CheckXgboost(
      XGDMatrixCreateFromDense(interface.c_str(), config.c_str(), &handle),
      "take the validation rows"));
  Matrix matrix(handle);
  RETURN_IF_ERROR(SetTargets(handle, rows));
  return matrix;
}

}  // namespace troupe::model
