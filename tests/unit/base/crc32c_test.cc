#include "services/base/crc32c.h"

#include <random>
#include <string>

#include "gtest/gtest.h"

namespace troupe {
namespace {

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(""), 0U);
}

TEST(Crc32c, TablesAgreeWithTheInstruction) {
  std::mt19937 random(5);
  std::string text;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(Crc32c(text), ExtendCrc32cByTable(0, text)) << text.size();
    text.push_back(static_cast<char>(random()));
  }
}

// Long texts are gone through in three places at once.
TEST(Crc32c, OfLongTextsIsThatOfTheTables) {
  std::mt19937 random(6);
  std::string text(100'000, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  for (const size_t size : {12'287, 12'288, 12'289, 24'576, 36'871, 99'990}) {
    const absl::string_view piece = absl::string_view(text).substr(7, size);
    EXPECT_EQ(ExtendCrc32c(17, piece), ExtendCrc32cByTable(17, piece)) << size;
  }
}

TEST(Crc32c, OfTwoPiecesIsThatOfTheWhole) {
  const std::string text = "twelve bytes and some more";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const absl::string_view head = absl::string_view(text).substr(0, cut);
    const absl::string_view tail = absl::string_view(text).substr(cut);
    EXPECT_EQ(ExtendCrc32c(Crc32c(head), tail), Crc32c(text)) << cut;
    EXPECT_EQ(ExtendCrc32cByTable(Crc32c(head), tail), Crc32c(text)) << cut;
  }
}

}  // namespace
}  // namespace troupe
