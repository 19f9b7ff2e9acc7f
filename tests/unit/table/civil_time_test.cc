// Dates and times as numbers, and as text.
#include "services/table/civil_time.h"

#include "gtest/gtest.h"

namespace troupe {
namespace {

// The microseconds that `text` says; its form must be `form`.
int64_t Micros(absl::string_view text, IsoForm form) {
  int64_t micros = -1;
  EXPECT_EQ(ParseIso(text, &micros), form) << text;
  return micros;
}

std::string Written(pb::DataType type, int64_t value) {
  std::string text;
  AppendTime(type, value, &text);
  return text;
}

TEST(CivilTime, ReadsDatesAsMidnight) {
  EXPECT_EQ(Micros("1970-01-01", IsoForm::kDate), 0);
  EXPECT_EQ(Micros("1969-12-31", IsoForm::kDate), -kMicrosPerDay);
  EXPECT_EQ(Micros("2024-02-29", IsoForm::kDate), 19782 * kMicrosPerDay);
  EXPECT_EQ(Micros("0001-01-01", IsoForm::kDate), -719162 * kMicrosPerDay);
  EXPECT_EQ(Micros("9999-12-31", IsoForm::kDate), 2932896 * kMicrosPerDay);
}

TEST(CivilTime, ReadsTimesWithAndWithoutAnOffset) {
  EXPECT_EQ(Micros("1970-01-01T00:01", IsoForm::kNaive), 60'000'000);
  EXPECT_EQ(Micros("1970-01-01 00:00:01.5", IsoForm::kNaive), 1'500'000);
  EXPECT_EQ(Micros("1970-01-01T00:00:00.123456789", IsoForm::kNaive), 123'456);
  EXPECT_EQ(Micros("1970-01-01T01:00:00Z", IsoForm::kOffset), 3'600'000'000);
  EXPECT_EQ(Micros("1970-01-01T01:30+01:30", IsoForm::kOffset), 0);
  EXPECT_EQ(Micros("1969-12-31T23:00:00-01", IsoForm::kOffset), 0);
}

TEST(CivilTime, TakesNothingElse) {
  for (const char* text : {"",
                           "2024",
                           "2024-1-1",
                           "2023-02-29",
                           "2024-02-30",
                           "2024-13-01",
                           "2024-00-10",
                           "2024-01-00",
                           "0000-01-01",
                           "2024-01-01T",
                           "2024-01-01T24:00",
                           "2024-01-01T23:60",
                           "2024-01-01T23:59:60",
                           "2024-01-01T12",
                           "2024-01-01T12:00:00.",
                           "2024-01-01T12:00:00.1234567890",
                           "2024-01-01T12:00+1",
                           "2024-01-01T12:00+24:00",
                           "2024-01-01T12:00 Z",
                           "2024-01-01x",
                           " 2024-01-01",
                           "2024-01-01 ",
                           "20240101",
                           "2024/01/01",
                           "9999-12-31T23:59-01:00",
                           "0001-01-01T00:00+01:00"}) {
    int64_t micros = 0;
    EXPECT_EQ(ParseIso(text, &micros), IsoForm::kNone) << text;
  }
}

TEST(CivilTime, WritesWhatItReads) {
  for (const char* text : {"0001-01-01 00:00:00", "1969-12-31 23:59:59.999999",
                           "1970-01-01 00:00:00.000001", "2024-02-29 12:30:59"})
    EXPECT_EQ(Written(pb::TIMESTAMP, Micros(text, IsoForm::kNaive)), text);
  EXPECT_EQ(Written(pb::DATE, -719162), "0001-01-01");
  EXPECT_EQ(Written(pb::DATE, 19782), "2024-02-29");
}

TEST(CivilTime, KnowsItsRange) {
  EXPECT_TRUE(IsTimeInRange(pb::DATE, -719162));
  EXPECT_FALSE(IsTimeInRange(pb::DATE, -719163));
  EXPECT_FALSE(IsTimeInRange(pb::DATE, INT64_MAX));
  EXPECT_FALSE(IsTimeInRange(pb::TIMESTAMP, INT64_MIN));
  EXPECT_TRUE(IsTimeInRange(pb::TIMESTAMP, 2932897 * kMicrosPerDay - 1));
  EXPECT_FALSE(IsTimeInRange(pb::TIMESTAMP, 2932897 * kMicrosPerDay));
}

}  // namespace
}  // namespace troupe
