#include "services/loader/formats/number.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace troupe::loader {
namespace {

NumberKind Kind(absl::string_view text) { return ClassifyNumber(text, '.'); }

double Double(absl::string_view text, char decimal = '.') {
  double value = -12345;
  return ParseDouble(text, decimal, &value) ? value : -12345;
}

TEST(Number, IntegersMayHaveSignZerosAndSpaces) {
  for (const char* text : {"5", "+5", "-5", "007", " 5 ", "\t5", "5\f", "-0"})
    EXPECT_EQ(Kind(text), NumberKind::kInt64) << text;
}

TEST(Number, TheEndsOfInt64AreInt64AndBeyondIsBigInt) {
  EXPECT_EQ(Kind("9223372036854775807"), NumberKind::kInt64);
  EXPECT_EQ(Kind("-9223372036854775808"), NumberKind::kInt64);
  EXPECT_EQ(Kind("9223372036854775808"), NumberKind::kBigInt);
  EXPECT_EQ(Kind("-9223372036854775809"), NumberKind::kBigInt);
  EXPECT_EQ(Kind("99999999999999999999999999"), NumberKind::kBigInt);
}

TEST(Number, ParseInt64GivesTheEnds) {
  int64_t value = 0;
  ASSERT_TRUE(ParseInt64("-9223372036854775808", &value));
  EXPECT_EQ(value, std::numeric_limits<int64_t>::min());
  ASSERT_TRUE(ParseInt64("9223372036854775807", &value));
  EXPECT_EQ(value, std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(ParseInt64("9223372036854775808", &value));
}

TEST(Number, FractionsAreWhatPandasTakes) {
  for (const char* text :
       {"1.5", "1.", ".5", "+1.5", "1e5", "1E-5", "1e+5", "inf", "-Inf",
        "Infinity", "+infinity", "iNf", " 1.5 ", "1e999", "1.5\v"})
    EXPECT_EQ(Kind(text), NumberKind::kFraction) << text;
}

TEST(Number, OtherTextIsNone) {
  for (const char* text :
       {"",     " ",      ".",    "-",       "+",   "e5",    "1e",   "1e+",
        "0x10", "1_0",    "1d5",  "--5",     "+-5", "- 5",   "1 .5", "1e 5",
        "nan",  "nan(1)", "-nan", "infinit", "1,5", "1.5.2", "inf5", "+-inf"}) {
    EXPECT_EQ(Kind(text), NumberKind::kNone) << text;
    EXPECT_EQ(Double(text), -12345) << text;
  }
}

TEST(Number, DoublesBeyondTheRangeBecomeInfiniteOrZero) {
  EXPECT_EQ(Double("1e999"), HUGE_VAL);
  EXPECT_EQ(Double("-1e999"), -HUGE_VAL);
  EXPECT_EQ(Double("1e-999"), 0);
}

TEST(Number, TheDecimalCharacterIsTheOnlyOne) {
  EXPECT_EQ(Double("1,5", ','), 1.5);
  EXPECT_EQ(Double("1.5", ','), -12345);
  EXPECT_EQ(ClassifyNumber(",5", ','), NumberKind::kFraction);
}

TEST(Number, SeventeenDigitsComeBackExactly) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    const std::string text = absl::StrFormat("%.17g", value);
    ASSERT_EQ(Double(text), value) << text;
  }
}

TEST(Number, ClassifyAgreesWithParseDoubleOnRandomText) {
  std::mt19937 random(3);
  const std::string alphabet = "0123456789..eE+- inf";
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (auto n = random() % 7; n > 0; --n)
      text += alphabet[random() % alphabet.size()];
    double value = 0;
    ASSERT_EQ(Kind(text) != NumberKind::kNone, ParseDouble(text, '.', &value))
        << '"' << text << '"';
  }
}

TEST(Number, BoolsIgnoreCaseAndTakeNoSpaces) {
  bool value = false;
  EXPECT_TRUE(ParseBool("tRuE", &value) && value);
  EXPECT_TRUE(ParseBool("FALSE", &value) && !value);
  EXPECT_FALSE(ParseBool(" true", &value));
  EXPECT_FALSE(ParseBool("yes", &value));
}

std::string Whole(absl::string_view text, char decimal = '.') {
  int64_t value = 0;
  return ParseWholeNumber(text, decimal, &value) ? absl::StrCat(value) : "no";
}

TEST(ParseWholeNumber, IsExact) {
  EXPECT_EQ(Whole("9007199254740993.0"), "9007199254740993");
  EXPECT_EQ(Whole("9.007199254740993e15"), "9007199254740993");
  EXPECT_EQ(Whole("-9007199254740993e0"), "-9007199254740993");
  EXPECT_EQ(Whole("90071992547409930e-1"), "9007199254740993");
  EXPECT_EQ(Whole("9007199254740993,00", ','), "9007199254740993");
  EXPECT_EQ(Whole("9223372036854775807.000"), "9223372036854775807");
  EXPECT_EQ(Whole("-9223372036854775808.0"), "-9223372036854775808");
  EXPECT_EQ(Whole("9223372036854775808.0"), "no");
  EXPECT_EQ(Whole("-9.223372036854775809e18"), "no");
  EXPECT_EQ(Whole("12345678901234567890e-5"), "no");
  EXPECT_EQ(Whole("12345678901234500000e-5"), "123456789012345");
  EXPECT_EQ(Whole("9007199254740993.00000000000000000001"), "no");
}

TEST(ParseWholeNumber, TakesEveryWayToWriteIt) {
  EXPECT_EQ(Whole("1e3"), "1000");
  EXPECT_EQ(Whole(" +1.5E+1 "), "15");
  EXPECT_EQ(Whole("000.30e1"), "3");
  EXPECT_EQ(Whole("1e18"), "1000000000000000000");
  EXPECT_EQ(Whole("1e19"), "no");
  EXPECT_EQ(Whole("1e-1"), "no");
  EXPECT_EQ(Whole("-0.0"), "0");
  EXPECT_EQ(Whole("0e99999999999999999999"), "0");
  EXPECT_EQ(Whole("0.000e-7"), "0");
  EXPECT_EQ(Whole("5."), "5");
  EXPECT_EQ(Whole(".5"), "no");
  EXPECT_EQ(Whole("17"), "17");
  for (const char* text :
       {"", "-", ".", "e1", "1e", "inf", "nan", "1.5", "0x1"})
    EXPECT_EQ(Whole(text), "no") << text;
}

TEST(ParseWholeNumber, HugeExponentsAndLongTextsTakeNoTime) {
  EXPECT_EQ(Whole("1e99999999999999999999999999"), "no");
  EXPECT_EQ(Whole("1e-99999999999999999999999999"), "no");
  const std::string zeros(1'000'000, '0');
  EXPECT_EQ(Whole("7" + zeros + "e-1000000"), "7");
  EXPECT_EQ(Whole("0." + zeros + "7e1000001"), "7");
  EXPECT_EQ(Whole("7" + zeros + "7e-1000000"), "no");
}

}  // namespace
}  // namespace troupe::loader
