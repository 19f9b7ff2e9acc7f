// A Backend is a fitted learner: rows of features in, scores out. A BackendKind
// makes backends, by fitting or from what a fit stored. New learners enter by
// one file in backends/ and one line in backend.cc.
//
// Thread safety: all const methods may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/actor/context.h"
#include "services/base/registry.h"
#include "services/model/model_options.h"
#include "services/model/model_plan.h"
#include "services/model/training_set.h"
#include "services/table/table.h"
#include "troupe/v1/model_artifact.pb.h"

namespace troupe::model {

class Backend {
 public:
  virtual ~Backend() = default;

  // One number per row for regression, the probability of the second label for
  // binary, one probability per label (row by row) for multiclass. The columns
  // of `rows` (FLOAT32) are the fitted features in their order.
  virtual absl::StatusOr<std::vector<double>> Predict(
      const DenseMatrix& rows) const = 0;

  // Share of the total gain per feature, all together 1 (or 0 where no feature
  // is used).
  virtual absl::StatusOr<std::vector<double>> Importance() const = 0;

  // What computes the predictions, for people: "troupe", or the library and why
  // not we.
  virtual std::string evaluator() const = 0;
};

// What a fit produced. `model` is the backend's own form.
struct FitResult {
  std::string model;
  std::string library;  // "xgboost 1.7.4", for people.
  int rounds = 0;
  double best_score = 0;
  std::vector<std::string> warnings;
};

// How a fit runs, and whom it tells.
struct FitRun {
  int threads = 1;
  const Context* context = nullptr;  // Whether anybody still waits.
  // Called after each of several rounds, with their number so far.
  std::function<void(int rounds)> on_round = [](int) {};
};

class BackendKind {
 public:
  virtual ~BackendKind() = default;

  // Checks what only the library can check, without data. INVALID_ARGUMENT.
  virtual absl::Status Check(const ModelPlan& plan) const = 0;

  // Learns. CANCELLED (CALLER_LEFT) between two rounds.
  virtual absl::StatusOr<FitResult> Fit(const ModelPlan& plan, TrainingSet& set,
                                        const FitRun& run) const = 0;

  // Reads what Fit stored. The bytes are hostile; labels and features of
  // `artifact` are checked already. ARTIFACT_CORRUPT.
  virtual absl::StatusOr<std::unique_ptr<Backend>> Load(
      const pb::ModelArtifact& artifact, const Objective& objective,
      int threads) const = 0;
};

// All kinds by name. They live for ever.
const Registry<const BackendKind*>& Backends();

}  // namespace troupe::model
