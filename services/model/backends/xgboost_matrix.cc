#include "services/model/backends/xgboost_matrix.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

// What XGBoost's callbacks see: runs of the mapped rows, asked for in four
// passes.
struct Batches {
  DMatrixHandle proxy = nullptr;
  const TrainingRows* rows = nullptr;
  const float* values = nullptr;
  int64_t batch_rows = 0;
  int64_t next = 0;  // Row.
  absl::Status status;
};

absl::Status SetSomeTargets(DMatrixHandle matrix, const TrainingRows& rows,
                            int64_t begin, int64_t count) {
  RETURN_IF_ERROR(CheckXgboost(
      XGDMatrixSetInfoFromInterface(
          matrix, "label",
          ArrayInterface(rows.targets.data() + begin, count, 0, "<f8").c_str()),
      "take the targets"));
  if (rows.weights.empty()) return absl::OkStatus();
  return CheckXgboost(
      XGDMatrixSetInfoFromInterface(
          matrix, "weight",
          ArrayInterface(rows.weights.data() + begin, count, 0, "<f4").c_str()),
      "take the weights");
}

// Gives the next rows to the proxy. What was given before has been read.
absl::Status Give(Batches& batches) {
  const TrainingRows& rows = *batches.rows;
  const int64_t begin = batches.next;
  const int64_t cols = rows.features->cols();
  const int64_t count = std::min(batches.batch_rows, rows.rows() - begin);
  rows.features->Release(begin);
  const std::string interface =
      ArrayInterface(batches.values + begin * cols, count, cols, "<f4");
  RETURN_IF_ERROR(
      CheckXgboost(XGProxyDMatrixSetDataDense(batches.proxy, interface.c_str()),
                   "take the rows"));
  batches.next += count;
  return SetSomeTargets(batches.proxy, rows, begin, count);
}

void ResetBatches(DataIterHandle handle) {
  static_cast<Batches*>(handle)->next = 0;
}

int NextBatch(DataIterHandle handle) {
  Batches& batches = *static_cast<Batches*>(handle);
  if (batches.next == batches.rows->rows() || !batches.status.ok()) return 0;
  batches.status = Give(batches);
  return batches.status.ok() ? 1 : 0;
}

}  // namespace

absl::Status SetTargets(DMatrixHandle matrix, const TrainingRows& rows) {
  return SetSomeTargets(matrix, rows, 0, rows.rows());
}

absl::StatusOr<Matrix> BinnedMatrix(const TrainingRows& rows,
                                    const std::string& max_bins, int threads,
                                    int64_t batch_bytes) {
  const int64_t row_bytes =
      rows.features->cols() * static_cast<int64_t>(sizeof(float));
  Batches batches;
  batches.rows = &rows;
  batches.batch_rows = std::max<int64_t>(1, batch_bytes / row_bytes);
  ASSIGN_OR_RETURN(batches.values, rows.features->Map());
  RETURN_IF_ERROR(
      CheckXgboost(XGProxyDMatrixCreate(&batches.proxy), "make a matrix"));
  const Matrix proxy(batches.proxy);
  const std::string config = absl::StrCat(
      "{\"missing\":NaN,\"nthread\":", threads, ",\"max_bin\":", max_bins, "}");
  DMatrixHandle handle = nullptr;
  const int code = XGQuantileDMatrixCreateFromCallback(
      &batches, batches.proxy, nullptr, ResetBatches, NextBatch, config.c_str(),
      &handle);
  Matrix matrix(handle);
  RETURN_IF_ERROR(batches.status);
  RETURN_IF_ERROR(CheckXgboost(code, "sort the training rows into bins"));
  rows.features->Release(rows.rows());
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
  rows.features->Release(rows.rows());
  return matrix;
}

}  // namespace troupe::model
