// Predictions per second and thread: our evaluator against XGBoost's in-place
// prediction, on models of many shapes and the same rows. Both sides run in
// turn; every score is compared to the bit. Prints one line of JSON; ends with
// 1 when a score differs.
//
//   bench_trees [--shape NAME] [--repeat 5] [--simd sse2|avx2|avx512]
#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "services/model/backends/tree_ensemble.h"
#include "tests/testing/boosted_trees.h"

ABSL_FLAG(std::string, shape, "", "only this shape");
ABSL_FLAG(int, repeat, 5, "turns of both sides");
ABSL_FLAG(std::string, simd, "", "instructions (default: the best here)");
ABSL_FLAG(double, seconds, 0.15, "of one side in one turn, about");

namespace troupe::model {
namespace {

struct Shape {
  std::string name;
  XgboostParameters parameters;
  int rounds;
  int64_t train_rows;
  int64_t features;
  double missing;
};

std::vector<Shape> Shapes() {
  const XgboostParameters binary = {{"objective", "binary:logistic"},
                                    {"tree_method", "hist"}};
  const auto with = [&](const XgboostParameters& more) {
    XgboostParameters all = more;
    all.insert(binary.begin(), binary.end());
    return all;
  };
  const auto depth = [&](int levels) {
    return with(
        {{"max_depth", absl::StrCat(levels)}, {"min_child_weight", "0"}});
  };
  return {
      {"100 trees of depth 6, 39 features", depth(6), 100, 50'000, 39, 0},
      {"the same, a tenth missing", depth(6), 100, 50'000, 39, 0.1},
      {"1 tree of depth 6", depth(6), 1, 20'000, 39, 0},
      {"10 trees of depth 1", depth(1), 10, 5'000, 39, 0},
      {"100 trees of depth 3", depth(3), 100, 20'000, 39, 0},
      {"100 trees of depth 7", depth(7), 100, 50'000, 39, 0},
      {"100 trees of depth 8", depth(8), 100, 50'000, 39, 0},
      {"100 trees of depth 10", depth(10), 100, 50'000, 39, 0},
      {"20 trees of depth 16", depth(16), 20, 100'000, 39, 0},
      {"lopsided: 100 trees of 64 leaves",
       with({{"grow_policy", "lossguide"},
             {"max_leaves", "64"},
             {"max_depth", "0"},
             {"min_child_weight", "0"}}),
       100, 50'000, 39, 0},
      {"sparse: 100 trees pruned by gamma",
       with({{"max_depth", "8"}, {"gamma", "20"}}), 100, 20'000, 39, 0},
      {"3,000 trees of depth 6", depth(6), 3'000, 2'000, 39, 0},
      {"multiclass: 10 classes, 20 rounds of depth 6",
       {{"objective", "multi:softprob"},
        {"num_class", "10"},
        {"tree_method", "hist"},
        {"max_depth", "6"}},
       20,
       20'000,
       39,
       0},
      {"1,000 features, 50 trees of depth 6", depth(6), 50, 3'000, 1'000, 0},
  };
}

double SecondsOf(auto&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

TreeSimd Simd() {
  const std::string name = absl::GetFlag(FLAGS_simd);
  if (name == "sse2") return TreeSimd::kSse2;
  if (name == "avx2") return TreeSimd::kAvx2;
  if (name == "avx512") return TreeSimd::kAvx512;
  return BestTreeSimd();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2,
                   values.end());
  return values[values.size() / 2];
}

// Nothing when a score differs.
std::string Measure(const Shape& shape) {
  const BoostedTrees trees(shape.parameters, shape.rounds, shape.train_rows,
                           shape.features, shape.missing);
  const auto ensemble =
      TreeEnsemble::Create(trees.Ubjson(), trees.objective(), trees.features(),
                           trees.groups(), Simd());
  if (!ensemble.ok()) {
    std::cerr << shape.name << ": " << ensemble.status() << "\n";
    return "";
  }
  // As many rows as XGBoost does in the time wanted, after a warm-up of both.
  int64_t rows = 256;
  std::vector<float> values =
      RandomRows(rows, shape.features, shape.missing, 9);
  trees.Predict(values.data(), rows);
  const double once = SecondsOf([&] { trees.Predict(values.data(), rows); });
  rows = std::clamp<int64_t>(
      static_cast<int64_t>(absl::GetFlag(FLAGS_seconds) / once *
                           static_cast<double>(rows)),
      256, 20'000'000 / shape.features);
  values = RandomRows(rows, shape.features, shape.missing, 10);
  std::vector<float> ours(static_cast<size_t>(rows * trees.groups()));
  std::vector<float> theirs;
  std::vector<double> our_rates;
  std::vector<double> their_rates;
  std::vector<std::string> ratios;
  for (int turn = 0; turn < absl::GetFlag(FLAGS_repeat); ++turn) {
    const double our_seconds = SecondsOf(
        [&] { ensemble->Predict(values.data(), rows, 1, ours.data()); });
    const double their_seconds =
        SecondsOf([&] { theirs = trees.Predict(values.data(), rows); });
    our_rates.push_back(static_cast<double>(rows) / our_seconds);
    their_rates.push_back(static_cast<double>(rows) / their_seconds);
    ratios.push_back(absl::StrFormat("%.3f", their_seconds / our_seconds));
  }
  if (ours.size() != theirs.size() ||
      std::memcmp(ours.data(), theirs.data(), ours.size() * sizeof(float)) != 0)
    return "";
  return absl::StrFormat(
      R"({"name": "%s", "rows_per_s": %.0f, "xgboost_rows_per_s": %.0f, )"
      R"("ratios": [%s]})",
      shape.name, Median(our_rates), Median(their_rates),
      absl::StrJoin(ratios, ", "));
}

int Main() {
  std::vector<std::string> results;
  for (const Shape& shape : Shapes()) {
    const std::string only = absl::GetFlag(FLAGS_shape);
    if (!only.empty() && only != shape.name) continue;
    results.push_back(Measure(shape));
    std::cerr << results.back() << std::endl;
    if (results.back().empty()) {
      std::cerr << shape.name << ": not what XGBoost predicts\n";
      return 1;
    }
  }
  std::cout << R"({"shapes": [)" << absl::StrJoin(results, ", ") << "]}\n";
  return 0;
}

}  // namespace
}  // namespace troupe::model

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return troupe::model::Main();
}
