#include "services/loader/crc32c.h"

#include <random>
#include <string>

#include "gtest/gtest.h"

namespace troupe::loader {
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
    EXPECT_EQ(Crc32c(text), Crc32cByTable(text)) << text.size();
    text.push_back(static_cast<char>(random()));
  }
}

}  // namespace
}  // namespace troupe::loader
