#include "services/base/log.h"

#include <string>

#include "gtest/gtest.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { SetUpLog({}); }

  std::string Written(const LogOptions& options, LogLevel level,
                      const std::string& value) {
    SetUpLog(options);
    testing::internal::CaptureStderr();
    Log(level, "batch done", {{"job", value}, {"batch", 7}});
    FlushLog();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, WritesOneLineOfText) {
  const std::string line =
      Written({"model", "model:1"}, LogLevel::kInfo, "a\nb");
  EXPECT_NE(line.find(" info model model:1 batch done job=a\\nb batch=7\n"),
            std::string::npos);
}

TEST_F(LogTest, WritesOneJsonObject) {
  const std::string line =
      Written({"model", "", true}, LogLevel::kError, "a\"\n\xff");
  EXPECT_NE(line.find("\"level\":\"error\",\"service\":\"model\","
                      "\"event\":\"batch done\",\"job\":\"a\\\"\\u000a\\u00ff\""
                      ",\"batch\":7}\n"),
            std::string::npos);
}

TEST_F(LogTest, KeepsQuietBelowItsLevel) {
  LogOptions options;
  options.level = LogLevel::kWarning;
  EXPECT_EQ(Written(options, LogLevel::kInfo, "x"), "");
}

TEST_F(LogTest, CutsLongValues) {
  const std::string line =
      Written({}, LogLevel::kInfo, std::string(100'000, 'x'));
  EXPECT_LT(line.size(), 700u);
}

TEST(LogLevel, ParsesItsNamesOnly) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_TRUE(ParseLogLevel("warning", &level));
  EXPECT_EQ(level, LogLevel::kWarning);
  EXPECT_FALSE(ParseLogLevel("loud", &level));
}

}  // namespace
}  // namespace troupe
