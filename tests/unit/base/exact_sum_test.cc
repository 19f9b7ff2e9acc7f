#include "services/base/exact_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace troupe {
namespace {

constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

ExactSum SumOf(const std::vector<double>& values) {
  ExactSum sum;
  for (const double value : values) sum.Add(value);
  return sum;
}

ExactMoments MomentsOf(const std::vector<double>& values) {
  ExactMoments moments;
  moments.Add(values);
  return moments;
}

// Values of all exponents and both signs.
std::vector<double> Wild(size_t count, int largest_exponent) {
  std::mt19937_64 random(11);
  std::vector<double> values;
  while (values.size() < count) {
    const int exponent =
        static_cast<int>(random() % (2 * largest_exponent)) - largest_exponent;
    values.push_back(std::ldexp(
        static_cast<double>(static_cast<int64_t>(random())), exponent - 63));
  }
  return values;
}

TEST(ExactSum, LosesNothingOnTheWay) {
  EXPECT_EQ(SumOf({1e300, 1, -1e300}).Rounded(), 1);
  EXPECT_EQ(SumOf({kTiny, kMax, -kMax}).Rounded(), kTiny);
  EXPECT_EQ(SumOf({kMax, kMax, -kMax}).Rounded(), kMax);
  EXPECT_EQ(SumOf({-1, -kTiny, 1}).Rounded(), -kTiny);
  EXPECT_EQ(SumOf({}).Rounded(), 0);
}

TEST(ExactSum, OrderAndGroupingChangeNoBit) {
  std::vector<double> values = Wild(3000, 1000);
  const std::string bytes = SumOf(values).ToBytes();
  std::shuffle(values.begin(), values.end(), std::mt19937_64(2));
  const auto middle = values.begin() + 1234;
  ExactSum sum = SumOf({values.begin(), middle});
  sum.Add(SumOf({middle, values.end()}));
  EXPECT_EQ(sum.ToBytes(), bytes);
}

TEST(ExactSum, AddsProductsWithoutRounding) {
  ExactSum sum;
  sum.AddProduct(1 + 0x1p-52, 1 + 0x1p-52);
  sum.Add(-1);
  sum.Add(-0x1p-51);
  EXPECT_EQ(sum.Rounded(), 0x1p-104L);
  sum.AddProduct(kMax, kMax, kMax);
  sum.AddProduct(-kMax, kMax, kMax);
  sum.AddProduct(kTiny, kTiny, kTiny);
  sum.AddProduct(kTiny, -kTiny, kTiny);
  EXPECT_EQ(sum.Rounded(), 0x1p-104L);
}

TEST(ExactSum, InfinitiesAndNaNStayWhatTheyAre) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(SumOf({1, kInfinity}).Rounded(), kInfinity);
  EXPECT_TRUE(std::isnan(SumOf({kInfinity, -kInfinity}).Rounded()));
  ExactSum read;
  ASSERT_TRUE(ExactSum::FromBytes(SumOf({-kInfinity}).ToBytes(), &read));
  EXPECT_EQ(read.Rounded(), -kInfinity);
}

TEST(ExactSum, ReadsWhatItWrote) {
  for (const std::vector<double>& values : {std::vector<double>{},
                                            {0},
                                            {1},
                                            {-1},
                                            {kMax, kMax},
                                            {-kTiny},
                                            {0x1p63},
                                            {-0x1p63, -1},
                                            Wild(100, 1000)}) {
    ExactSum read;
    const std::string bytes = SumOf(values).ToBytes();
    ASSERT_TRUE(ExactSum::FromBytes(bytes, &read));
    EXPECT_EQ(read.ToBytes(), bytes);
    EXPECT_EQ(read.Rounded(), SumOf(values).Rounded());
  }
}

TEST(ExactSum, RefusesForeignBytes) {
  ExactSum sum;
  for (const std::string bytes :
       {"x", "f", "f\1short", "f\1", "g\1\1\1\1\1\1\1\1\1"})
    EXPECT_FALSE(ExactSum::FromBytes(bytes, &sum)) << bytes;
  EXPECT_FALSE(ExactSum::FromBytes("f\x66" + std::string(8, '\1'), &sum));
}

TEST(ExactMoments, AreExactWhereTheSpreadIsTinyBesideTheMean) {
  // 2^50 + (0, 1, 2, ...): mean and variance are known by heart.
  std::vector<double> values;
  for (int i = 0; i < 1001; ++i) values.push_back(0x1p50 + i);
  const ExactMoments moments = MomentsOf(values);
  EXPECT_EQ(moments.mean(), 0x1p50 + 500);
  EXPECT_EQ(moments.squared_deviations(), 1001.0L * 1002 * 1000 / 12);
}

TEST(ExactMoments, OneValueHasNoSpread) {
  for (const double value : {0.1, -1e300, kTiny, kMax}) {
    const ExactMoments moments = MomentsOf(std::vector<double>(12345, value));
    EXPECT_EQ(moments.mean(), value);
    EXPECT_EQ(moments.squared_deviations(), 0);
  }
}

TEST(ExactMoments, NoValueIsTooLarge) {
  const ExactMoments moments = MomentsOf({kMax, kMax, -kMax, -kMax});
  EXPECT_EQ(moments.mean(), 0);
  EXPECT_EQ(std::sqrt(moments.squared_deviations() / 4), kMax);
}

TEST(ExactMoments, GroupingAndWeightsOfOneChangeNoBit) {
  const std::vector<double> values = Wild(5000, 1000);
  ExactMoments one_by_one;
  for (const double value : values) one_by_one.Add(value, 1);
  ExactMoments joined = MomentsOf({values.begin(), values.begin() + 7});
  joined.Add(MomentsOf({values.begin() + 7, values.end()}));
  EXPECT_EQ(joined.ToBytes(), MomentsOf(values).ToBytes());
  EXPECT_EQ(one_by_one.ToBytes(), MomentsOf(values).ToBytes());
}

TEST(ExactMoments, AWeightStandsForSoManyValues) {
  ExactMoments weighted;
  weighted.Add(0.1, 3);
  weighted.Add(0.7, 2);
  weighted.Add(1e9, 0);
  const ExactMoments repeated = MomentsOf({0.1, 0.1, 0.1, 0.7, 0.7});
  EXPECT_EQ(weighted.mean(), repeated.mean());
  EXPECT_EQ(weighted.squared_deviations(), repeated.squared_deviations());
}

TEST(ExactMoments, NothingHasNoMean) {
  EXPECT_TRUE(std::isnan(ExactMoments().mean()));
  EXPECT_TRUE(
      std::isnan(static_cast<double>(ExactMoments().squared_deviations())));
}

TEST(ExactMoments, DamagedBytesNeverCrash) {
  const std::string good = MomentsOf(Wild(50, 300)).ToBytes();
  std::mt19937_64 random(4);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = good;
    for (int k = 0; k < 3; ++k)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    ExactMoments moments;
    if (!ExactMoments::FromBytes(bytes, &moments)) continue;
    moments.Add(moments);
    EXPECT_FALSE(moments.squared_deviations() < 0);
  }
}

}  // namespace
}  // namespace troupe
