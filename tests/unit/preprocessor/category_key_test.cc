#include "services/preprocessor/category_key.h"

#include <limits>

#include "gtest/gtest.h"

namespace troupe::preprocessor {
namespace {

TEST(CategoryKey, SortsAsValuesDo) {
  EXPECT_LT(KeyOfInt64(std::numeric_limits<int64_t>::min()), KeyOfInt64(-1));
  EXPECT_LT(KeyOfInt64(-1), KeyOfInt64(0));
  EXPECT_LT(KeyOfDouble(-2), KeyOfDouble(-1));
  EXPECT_LT(KeyOfDouble(-1e-300), KeyOfDouble(0));
  EXPECT_LT(KeyOfDouble(1e-300), KeyOfDouble(1e300));
}

TEST(CategoryKey, ReadsBack) {
  EXPECT_EQ(Int64OfKey(KeyOfInt64(-42)), -42);
  EXPECT_EQ(DoubleOfKey(KeyOfDouble(-0.1)), -0.1);
  EXPECT_EQ(DoubleOfKey(KeyOfDouble(1e308)), 1e308);
}

TEST(CategoryKey, BothZerosAreOne) {
  EXPECT_EQ(KeyOfDouble(-0.0), KeyOfDouble(0.0));
}

TEST(CategoryKey, RefusesForeignKeysOfAnotherType) {
  EXPECT_FALSE(ValidKey(pb::INT64, "short"));
  EXPECT_FALSE(ValidKey(pb::BOOL, "\2"));
  EXPECT_FALSE(ValidKey(pb::STRING, "\xff"));
  EXPECT_FALSE(ValidKey(pb::FLOAT64, std::string(8, '\xff')));
}

TEST(PythonFloat, WritesWhatPythonWrites) {
  EXPECT_EQ(PythonFloat(1), "1.0");
  EXPECT_EQ(PythonFloat(-0.5), "-0.5");
  EXPECT_EQ(PythonFloat(0.1), "0.1");
  EXPECT_EQ(PythonFloat(1e-4), "0.0001");
  EXPECT_EQ(PythonFloat(1e-5), "1e-05");
  EXPECT_EQ(PythonFloat(1.5e-5), "1.5e-05");
  EXPECT_EQ(PythonFloat(9007199254740993.0), "9007199254740992.0");
  EXPECT_EQ(PythonFloat(1e16), "1e+16");
  EXPECT_EQ(PythonFloat(1e300), "1e+300");
}

}  // namespace
}  // namespace troupe::preprocessor
