#include "services/host/resumable_sha256.h"

#include "gtest/gtest.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

TEST(ResumableSha256, IsThatOfTheWholeTextWhereverItWasSetDown) {
  std::string text;
  for (int i = 0; i < 200; ++i) text.push_back(static_cast<char>(i * 7));
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    ResumableSha256 first;
    first.Update(absl::string_view(text).substr(0, cut));
    auto second =
        ResumableSha256::Resume(first.Save(), static_cast<int64_t>(cut));
    ASSERT_TRUE(second.has_value()) << cut;
    second->Update(absl::string_view(text).substr(cut));
    EXPECT_EQ(second->HexDigest(), Sha256Hex(text)) << cut;
    EXPECT_EQ(second->bytes(), 200);
  }
}

TEST(ResumableSha256, RefusesAnyChangedByteAndAnyOtherLength) {
  ResumableSha256 sha256;
  sha256.Update("some text");
  const std::string saved = sha256.Save();
  EXPECT_FALSE(ResumableSha256::Resume(saved, 8).has_value());
  EXPECT_FALSE(ResumableSha256::Resume(saved, 9 + 64).has_value());
  EXPECT_FALSE(ResumableSha256::Resume("", 9).has_value());
  for (size_t i = 0; i < saved.size(); ++i) {
    std::string damaged = saved;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(ResumableSha256::Resume(damaged, 9).has_value()) << i;
  }
}

}  // namespace
}  // namespace troupe
