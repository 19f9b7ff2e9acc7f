// Times in declared formats. Where Python's datetime.strptime takes them, the
// values are its.
#include "services/loader/formats/time_format.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/table/civil_time.h"

namespace troupe::loader {
namespace {

using testing::HasSubstr;

// What `text` says by `format`, as ISO 8601; "none" where it is no such time.
std::string Read(const std::string& format, const std::string& text) {
  const auto parsed = TimeFormat::Make(format);
  if (!parsed.ok()) return std::string(parsed.status().message());
  int64_t micros = 0;
  if (!parsed->Parse(text, &micros)) return "none";
  std::string iso;
  AppendTime(pb::TIMESTAMP, micros, &iso);
  return iso;
}

TEST(TimeFormat, ReadsWhatStrptimeReads) {
  EXPECT_EQ(Read("%d/%m/%Y %H:%M", "29/02/2024 23:05"), "2024-02-29 23:05:00");
  EXPECT_EQ(Read("%d.%m.%y", "01.02.68"), "2068-02-01 00:00:00");
  EXPECT_EQ(Read("%d.%m.%y", "01.02.69"), "1969-02-01 00:00:00");
  EXPECT_EQ(Read("%b %d, %Y %I:%M %p", "Mar 09, 2021 12:30 AM"),
            "2021-03-09 00:30:00");
  EXPECT_EQ(Read("%d %B %Y", "9 december 2021"), "2021-12-09 00:00:00");
  EXPECT_EQ(Read("%Y%m%dT%H%M%S.%f", "20240229T010203.045"),
            "2024-02-29 01:02:03.045000");
  EXPECT_EQ(Read("%f s %Y-%m-%d", "000001 s 2024-01-01"),
            "2024-01-01 00:00:00.000001");
  EXPECT_EQ(Read("%Y-%m-%d %H:%M %z", "2024-01-01 00:30 +0100"),
            "2023-12-31 23:30:00");
  EXPECT_EQ(Read("%Y %j", "2024 060"), "2024-02-29 00:00:00");
  EXPECT_EQ(Read("100%% %Y-%m-%d", "100% 2024-01-01"), "2024-01-01 00:00:00");
}

TEST(TimeFormat, TakesNoOtherDaysAndTimes) {
  EXPECT_EQ(Read("%d/%m/%Y", "31/02/2024"), "none");
  EXPECT_EQ(Read("%d/%m/%Y", "02/13/2024"), "none");
  EXPECT_EQ(Read("%d/%m/%Y", "01/01/2024 "), "none");
  EXPECT_EQ(Read("%d/%m/%Y", "01/01/2024x"), "none");
  EXPECT_EQ(Read("%d/%m/%Y", std::string("01/01/2024\0", 11)), "none");
  EXPECT_EQ(Read("%d/%m/%Y", std::string(101, '1')), "none");
  EXPECT_EQ(Read("%Y-%m-%d %H:%M:%S", "2024-01-01 23:59:60"), "none");
  EXPECT_EQ(Read("%Y-%m-%d %S.%f", "2024-01-01 1."), "none");
  EXPECT_EQ(Read("%Y-%m-%d %S.%f", "2024-01-01 1.1234567"), "none");
}

TEST(TimeFormat, SaysWhatItDoesNotKnow) {
  EXPECT_THAT(Read("%Q", ""), HasSubstr("\"%Q\" is not known"));
  EXPECT_THAT(Read("%Y-%m-%d%", ""), HasSubstr("\"%\" is not known"));
  EXPECT_THAT(Read("%H:%M", ""), HasSubstr("names no day"));
  EXPECT_THAT(Read("%Y-%m", ""), HasSubstr("names no day"));
  EXPECT_THAT(Read(std::string(101, 'x'), ""), HasSubstr("too long"));
}

}  // namespace
}  // namespace troupe::loader
