#include "client/coordinator/stages/suspect_ledger.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

const LaneOfReplica kBatch = {"a", "batch"};

TEST(SuspectLedger, OfThoseOpenOnlyTheOneSentFirstWasAtWork) {
  SuspectLedger ledger;
  for (int64_t i = 1; i <= 3; ++i) ledger.Sent(kBatch, i);
  EXPECT_TRUE(ledger.Died(kBatch, 1));
  EXPECT_FALSE(ledger.Died(kBatch, 2));
  EXPECT_FALSE(ledger.Died(kBatch, 3));
}

TEST(SuspectLedger, TheOrderInWhichTheEndsAreToldDoesNotMatter) {
  SuspectLedger ledger;
  for (int64_t i = 1; i <= 3; ++i) ledger.Sent(kBatch, i);
  EXPECT_FALSE(ledger.Died(kBatch, 3));
  EXPECT_FALSE(ledger.Died(kBatch, 2));
  EXPECT_TRUE(ledger.Died(kBatch, 1));
}

TEST(SuspectLedger, WhatEndedBeforeIsNotSuspect) {
  SuspectLedger ledger;
  ledger.Sent(kBatch, 1);
  ledger.Sent(kBatch, 2);
  ledger.Ended(kBatch, 1);
  EXPECT_TRUE(ledger.Died(kBatch, 2));
}

TEST(SuspectLedger, LanesAndReplicasAreApart) {
  SuspectLedger ledger;
  ledger.Sent(kBatch, 1);
  ledger.Sent({"a", "online"}, 2);
  ledger.Sent({"b", "batch"}, 3);
  ledger.Sent({"b", "batch"}, 4);
  EXPECT_TRUE(ledger.Died(kBatch, 1));
  EXPECT_TRUE(ledger.Died({"a", "online"}, 2));
  EXPECT_FALSE(ledger.Died({"b", "batch"}, 4));
}

TEST(SuspectLedger, ADeathBlamesOnlyOneThoughOthersAreSentBeforeItIsKnown) {
  SuspectLedger ledger;
  ledger.Sent(kBatch, 1);
  ledger.Sent(kBatch, 2);
  EXPECT_TRUE(ledger.Died(kBatch, 1));
  ledger.Sent(kBatch, 3);  // To the process started anew.
  EXPECT_FALSE(ledger.Died(kBatch, 2));
  EXPECT_TRUE(ledger.Died(kBatch, 3));
}

TEST(SuspectLedger, AHandlerBeyondItsLimitIsBlamedNotWhatWaitsBehindIt) {
  SuspectLedger ledger;
  for (int64_t i = 1; i <= 3; ++i) ledger.Sent(kBatch, i);
  ledger.Overran(kBatch, 1);
  EXPECT_FALSE(ledger.Died(kBatch, 2));
  EXPECT_FALSE(ledger.Died(kBatch, 3));
  ledger.Sent(kBatch, 4);  // To the process started anew.
  EXPECT_TRUE(ledger.Died(kBatch, 4));
}

TEST(SuspectLedger, WhatIsHandledLaterShowsThatTheLongHandlerCameBack) {
  SuspectLedger ledger;
  for (int64_t i = 1; i <= 4; ++i) ledger.Sent(kBatch, i);
  ledger.Overran(kBatch, 2);
  ledger.Handled(kBatch, 1);  // Told late; sent before.
  ledger.Handled(kBatch, 3);
  EXPECT_TRUE(ledger.Died(kBatch, 4));
}

}  // namespace
}  // namespace troupe
