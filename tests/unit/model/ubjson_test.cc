#include "services/model/backends/ubjson.h"

#include <gtest/gtest.h>

#include <string>

#include "services/base/errors.h"

namespace troupe::model {
namespace {

std::string Length(uint64_t length) {
  std::string text = "L";
  for (int shift = 56; shift >= 0; shift -= 8)
    text += static_cast<char>(length >> shift & 0xff);
  return text;
}

std::string Reason(const std::string& bytes) {
  return ReasonOf(ParseUbjson(bytes).status());
}

// A null takes a byte there and a hundred in memory.
TEST(Ubjson, ValuesAreFewerThanTheirBytesCouldBe) {
  EXPECT_EQ(Reason("[" + std::string(4'000, 'Z') + "]"), "");
  EXPECT_EQ(Reason("[" + std::string(1'000'000, 'Z') + "]"),
            "ARTIFACT_CORRUPT");
  EXPECT_EQ(Reason("[#" + Length(1'000'000) + std::string(1'000'000, 'T')),
            "ARTIFACT_CORRUPT");
}

TEST(Ubjson, ElementsWithoutBytesAreNone) {
  for (const char type : {'Z', 'T', 'F', 'N', '[', '{', 'S'})
    EXPECT_EQ(Reason(std::string("[$") + type + "#" + Length(1)),
              "ARTIFACT_CORRUPT")
        << type;
  EXPECT_EQ(Reason("[$Z#" + Length(uint64_t{1} << 60)), "ARTIFACT_CORRUPT");
}

TEST(Ubjson, LengthsEndWithTheBytes) {
  for (const uint64_t length : {uint64_t{9}, uint64_t{1} << 61, ~uint64_t{0}})
    for (const std::string before : {"S", "[#", "[$L#", "{"})
      EXPECT_EQ(Reason(before + Length(length) + "12345678"),
                "ARTIFACT_CORRUPT")
          << before << length;
  EXPECT_EQ(Reason("[$L#" + Length(1) + "12345678"), "");
}

TEST(Ubjson, NestsNoDeeperThan64) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(Reason(nested(65)), "");
  EXPECT_EQ(Reason(nested(66)), "ARTIFACT_CORRUPT");
}

}  // namespace
}  // namespace troupe::model
