#include "client/coordinator/stages/death_count.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

constexpr absl::Duration kStart = absl::Hours(1);

TEST(DeathCount, ManyDeathsOnAQuietCompanyProveGuilt) {
  DeathCount deaths;
  absl::Duration now = kStart;
  for (int i = 1; i <= DeathCount::kGuilty; ++i) {
    EXPECT_FALSE(deaths.guilty());
    deaths.Died(now, now + absl::Seconds(5), false);
    now += absl::Seconds(5) + deaths.Pause();
    EXPECT_EQ(deaths.count(), i);
  }
  EXPECT_TRUE(deaths.guilty());
}

TEST(DeathCount, BeginsAnewWhereOthersDie) {
  DeathCount deaths;
  for (int i = 0; i < 10 * DeathCount::kGuilty; ++i) {
    const absl::Duration now = kStart + i * absl::Seconds(10);
    deaths.Died(now - absl::Seconds(3), now, i % 3 == 2);
    EXPECT_FALSE(deaths.guilty());
  }
}

TEST(DeathCount, ForgivesAfterAQuietTime) {
  DeathCount deaths;
  for (int i = 0; i < 10 * DeathCount::kGuilty; ++i) {
    const absl::Duration now = kStart + i * absl::Minutes(11);
    deaths.Died(now - absl::Seconds(30), now, false);
    EXPECT_EQ(deaths.count(), 1);
  }
}

TEST(DeathCount, DoesNotForgiveWhatLivesAsLongAsTheQuietTime) {
  DeathCount deaths;
  for (int i = 0; i < DeathCount::kGuilty; ++i) {
    const absl::Duration now = kStart + i * absl::Hours(2);
    deaths.Died(now - absl::Hours(1), now, false);
  }
  EXPECT_TRUE(deaths.guilty());
}

TEST(DeathCount, EndsAtLastWhateverTheCompanyDoes) {
  DeathCount deaths;
  for (int i = 0; i < DeathCount::kHopeless; ++i) {
    EXPECT_FALSE(deaths.guilty());
    deaths.Died(kStart, kStart + absl::Seconds(i), true);
  }
  EXPECT_TRUE(deaths.guilty());
}

TEST(DeathCount, PausesGrowWithTheDeathsThatCount) {
  DeathCount deaths;
  absl::Duration before = absl::ZeroDuration();
  deaths.Died(kStart, kStart, false);
  EXPECT_EQ(deaths.Pause(), absl::ZeroDuration());
  for (int i = 0; i < 5; ++i) {
    deaths.Died(kStart, kStart, false);
    EXPECT_GT(deaths.Pause(), before);
    before = deaths.Pause();
  }
  EXPECT_LE(before, absl::Seconds(20));
}

}  // namespace
}  // namespace troupe
