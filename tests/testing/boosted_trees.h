// XGBoost models made for tests and measurements, straight by XGBoost's C API:
// rows of random numbers, some missing, and trees learned from them.
//
// Thread safety: one thread at a time.
#pragma once

#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe {

using XgboostParameters = std::map<std::string, std::string>;

inline void Demand(int code) {
  if (code != 0) throw std::runtime_error(XGBGetLastError());
}

// `rows` by `features` numbers; each is missing (NaN) with probability
// `missing`. Every fourth feature has few different values.
inline std::vector<float> RandomRows(int64_t rows, int64_t features,
                                     double missing, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::bernoulli_distribution none(missing);
  std::vector<float> values(static_cast<size_t>(rows * features));
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = normal(random);
    values[i] =
        i % static_cast<size_t>(features) % 4 == 3 ? std::round(value) : value;
    if (none(random)) values[i] = std::numeric_limits<float>::quiet_NaN();
  }
  return values;
}

class BoostedTrees {
 public:
  // Learns `rounds` rounds from `rows` random rows. The target depends on the
  // features, fits the objective in `parameters` and, with num_class, is a
  // class.
  BoostedTrees(XgboostParameters parameters, int rounds, int64_t rows,
               int64_t features, double missing, uint32_t seed = 1)
      : features_(features) {
    const std::vector<float> values = RandomRows(rows, features, missing, seed);
    DMatrixHandle matrix = nullptr;
    Demand(XGDMatrixCreateFromMat(values.data(), static_cast<bst_ulong>(rows),
                                  static_cast<bst_ulong>(features),
                                  std::numeric_limits<float>::quiet_NaN(),
                                  &matrix));
    const std::vector<float> targets = Targets(parameters, values, rows, seed);
    Demand(XGDMatrixSetFloatInfo(matrix, "label", targets.data(),
                                 static_cast<bst_ulong>(rows)));
    Demand(XGBoosterCreate(&matrix, 1, &booster_));
    for (const auto& [name, value] : parameters)
      Demand(XGBoosterSetParam(booster_, name.c_str(), value.c_str()));
    for (int round = 0; round < rounds; ++round)
      Demand(XGBoosterUpdateOneIter(booster_, round, matrix));
    Demand(XGDMatrixFree(matrix));
    Demand(XGBoosterSetParam(booster_, "nthread", "1"));
    objective_ = parameters["objective"];
    if (parameters.contains("num_class"))
      groups_ = std::stoi(parameters["num_class"]);
  }
  ~BoostedTrees() { XGBoosterFree(booster_); }
  BoostedTrees(const BoostedTrees&) = delete;
  BoostedTrees& operator=(const BoostedTrees&) = delete;

  // The model as a fit stores it.
  std::string Ubjson() const {
    bst_ulong size = 0;
    const char* bytes = nullptr;
    Demand(XGBoosterSaveModelToBuffer(booster_, "{\"format\":\"ubj\"}", &size,
                                      &bytes));
    return std::string(bytes, size);
  }

  // What XGBoost predicts by one thread, in place.
  std::vector<float> Predict(const float* values, int64_t rows) const {
    const std::string interface =
        "{\"data\":[" + std::to_string(reinterpret_cast<uintptr_t>(values)) +
        ",true],\"shape\":[" + std::to_string(rows) + "," +
        std::to_string(features_) + R"(],"typestr":"<f4","version":3})";
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* scores = nullptr;
    Demand(XGBoosterPredictFromDense(
        booster_, interface.c_str(),
        "{\"type\":0,\"training\":false,\"iteration_begin\":0,"
        "\"iteration_end\":0,\"strict_shape\":true,\"missing\":NaN,"
        "\"cache_id\":0}",
        nullptr, &shape, &dimensions, &scores));
    return std::vector<float>(scores, scores + rows * groups_);
  }

  const std::string& objective() const { return objective_; }
  int64_t features() const { return features_; }
  int groups() const { return groups_; }

 private:
  static std::vector<float> Targets(XgboostParameters& parameters,
                                    const std::vector<float>& values,
                                    int64_t rows, uint32_t seed) {
    std::mt19937 random(seed + 1);
    std::normal_distribution<float> noise(0, 0.3f);
    const std::string& objective = parameters["objective"];
    const bool logistic = objective.find("logistic") != std::string::npos;
    const size_t features = values.size() / static_cast<size_t>(rows);
    std::vector<float> targets;
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
      float sum = noise(random);
      for (size_t f = 0; f < features; ++f) {
        const float value = values[row * features + f];
        if (!std::isnan(value))
          sum += std::sin(value * static_cast<float>(f + 1));
      }
      if (parameters.contains("num_class")) {
        const int classes = std::stoi(parameters["num_class"]);
        sum = static_cast<float>(
            std::clamp(static_cast<int>(sum + static_cast<float>(classes) / 2),
                       0, classes - 1));
      } else if (logistic) {
        sum = sum > 0 ? 1 : 0;
      } else if (objective != "reg:squarederror" &&
                 objective != "reg:absoluteerror" &&
                 objective != "reg:pseudohubererror") {
        sum = std::abs(sum) + 0.1f;
        if (objective == "count:poisson") sum = std::round(sum);
      }
      targets.push_back(sum);
    }
    return targets;
  }

  BoosterHandle booster_ = nullptr;
  const int64_t features_;
  std::string objective_;
  int groups_ = 1;
};

}  // namespace troupe
