#include "services/host/wire_guard.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace troupe {
namespace {

std::string Frame(size_t bytes, int type, int flags) {
  std::string frame;
  for (const int shift : {16, 8, 0})
    frame.push_back(static_cast<char>((bytes >> shift) & 255));
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  return frame + std::string(4, '\0') + std::string(bytes, 'x');
}

class WireGuardTest : public testing::Test {
 protected:
  WireGuardTest() { Read(std::string(24, 'P')); }

  bool Read(const std::string& bytes, absl::Duration now = absl::Hours(1)) {
    return reader_.Read(reinterpret_cast<const uint8_t*>(bytes.data()),
                        bytes.size(), now);
  }
  // Whoever connects again has what his address has left.
  int ResetsUntilCut(int most, absl::Duration now) {
    WireReader reader(budget_);
    const std::string bytes = std::string(24, 'P') + Frame(4, 3, 0);
    for (int i = 0; i < most; ++i) {
      const std::string next = i == 0 ? bytes : Frame(4, 3, 0);
      if (!reader.Read(reinterpret_cast<const uint8_t*>(next.data()),
                       next.size(), now))
        return i;
    }
    return most;
  }

  const std::shared_ptr<ResetBudget> budget_ = std::make_shared<ResetBudget>();
  WireReader reader_{budget_};
};

TEST_F(WireGuardTest, HeadersMayGoOnForAWhile) {
  EXPECT_TRUE(Read(Frame(16'000, 1, 0)));
  EXPECT_TRUE(Read(Frame(16'000, 9, 0)));
  EXPECT_TRUE(Read(Frame(16'000, 9, 4)));
  EXPECT_TRUE(Read(Frame(60'000, 1, 4)));  // Those before have ended.
}

TEST_F(WireGuardTest, HeadersWithoutEndAreCut) {
  EXPECT_TRUE(Read(Frame(16'000, 1, 0)));
  EXPECT_TRUE(Read(Frame(40'000, 9, 0)));
  EXPECT_FALSE(Read(Frame(16'000, 9, 4)));
}

TEST_F(WireGuardTest, EmptyHeadersWithoutEndAreCut) {
  EXPECT_TRUE(Read(Frame(10, 1, 0)));
  int frames = 0;
  while (Read(Frame(0, 9, 0))) ++frames;
  EXPECT_LT(frames, 100);
}

TEST_F(WireGuardTest, MessagesMayBeOfAnySize) {
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(Read(Frame(16'384, 0, 0)));
}

TEST_F(WireGuardTest, FramesAreFoundWhereverReadsAreCut) {
  const std::string bytes = Frame(3, 0, 0) + Frame(40'000, 1, 0) +
                            Frame(20'000, 9, 0) + Frame(6'000, 9, 0);
  size_t read = 0;
  while (read < bytes.size() && Read(bytes.substr(read, 1))) ++read;
  EXPECT_EQ(read, bytes.size() - 6'000 - 1);
}

TEST_F(WireGuardTest, ResetsAreCutAtTheirRate) {
  EXPECT_EQ(ResetsUntilCut(5'000, absl::Hours(1)), 2'000);
  EXPECT_EQ(ResetsUntilCut(5'000, absl::Hours(1) + absl::Seconds(1)), 1'000);
  EXPECT_EQ(ResetsUntilCut(5'000, absl::Hours(2)), 2'000);
}

}  // namespace
}  // namespace troupe
