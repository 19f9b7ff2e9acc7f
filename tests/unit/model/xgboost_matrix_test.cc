// Training rows become the same matrix however they are read.
#include "services/model/backends/xgboost_matrix.h"

#include <cmath>
#include <cstring>
#include <random>

#include "gtest/gtest.h"
#include "tests/testing/temp_dir.h"
#include "xgboost/c_api.h"

namespace troupe::model {
namespace {

constexpr int64_t kCols = 7;

// Random rows, some values missing; weighed.
TrainingRows RandomRows(const TempDir& dir, int64_t count) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  TrainingRows rows;
  rows.features = *RowSpool::Create(dir.path(), kCols);
  for (int64_t i = 0; i < count; ++i) {
    float row[kCols];
    for (float& value : row)
      value = random() % 10 == 0 ? std::nanf("") : normal(random);
    row[1] = static_cast<float>(random() % 5);
    if (!rows.features->Append(row).ok()) std::abort();
    rows.targets.push_back(row[1] > 2 ? 1 : 0);
    rows.weights.push_back(1 + static_cast<float>(random() % 3));
  }
  return rows;
}

// The trees of a few rounds.
std::string Learned(const Matrix& matrix) {
  const DMatrixHandle handle = matrix.get();
  const Booster booster = *NewBooster(&handle, 1);
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{
           {"tree_method", "hist"},
           {"objective", "binary:logistic"},
           {"nthread", "1"}})
    if (!SetParameter(booster, name, value).ok()) std::abort();
  for (int round = 0; round < 4; ++round)
    if (XGBoosterUpdateOneIter(booster.get(), round, handle) != 0) std::abort();
  bst_ulong bytes = 0;
  const char* text = nullptr;
  if (XGBoosterSaveModelToBuffer(booster.get(), "{\"format\":\"json\"}", &bytes,
                                 &text) != 0)
    std::abort();
  return std::string(text, bytes);
}

TEST(BinnedMatrix, IsTheSameHoweverManyRowsAreReadAtATime) {
  const TempDir dir;
  const TrainingRows rows = RandomRows(dir, 5000);
  const std::string at_once = Learned(*BinnedMatrix(rows, "64", 1));
  for (const int64_t batch_bytes :
       {int64_t{1}, int64_t{30'000}, int64_t{139'999}})
    EXPECT_EQ(Learned(*BinnedMatrix(rows, "64", 1, batch_bytes)), at_once)
        << batch_bytes;
}

TEST(RowSpool, WhatIsReleasedIsReadAgain) {
  const TempDir dir;
  const TrainingRows rows = RandomRows(dir, 5000);
  const float* const values = *rows.features->Map();
  const std::vector<float> before(values, values + 5000 * kCols);
  for (const int64_t end : {0, 1, 3000, 5000}) {
    rows.features->Release(end);
    EXPECT_EQ(memcmp(values, before.data(), before.size() * sizeof(float)), 0);
  }
}

}  // namespace
}  // namespace troupe::model
