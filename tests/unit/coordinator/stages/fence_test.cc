#include "client/coordinator/stages/fence.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "troupe/v1/loader.pb.h"

namespace troupe {
namespace {

constexpr char kProcess[] = "/troupe.v1.Stage/Process";

pb::BatchId Id(int attempt, int64_t epoch) {
  pb::BatchId id;
  id.set_job("j");
  id.set_number(7);
  id.set_attempt(attempt);
  id.set_epoch(epoch);
  return id;
}

// What comes of a reply with this id, where attempt 2 of epoch 3 is open.
std::string Judged(const pb::BatchId& id) {
  pb::ProcessResponse response;
  *response.mutable_id() = id;
  UnaryReply reply;
  reply.header = response.SerializeAsString();
  CheckAttempt(kProcess, Id(2, 3).SerializeAsString(), reply);
  return reply.status.ok() ? "taken" : ReasonOf(reply.status);
}

TEST(Fence, TakesTheOpenAttemptOfThisEpochOnly) {
  EXPECT_EQ(Judged(Id(2, 3)), "taken");
  EXPECT_EQ(Judged(Id(1, 3)), "WRONG_REPLY");
  EXPECT_EQ(Judged(Id(3, 3)), "WRONG_REPLY");
  EXPECT_EQ(Judged(Id(2, 2)), "WRONG_REPLY");
  pb::BatchId other = Id(2, 3);
  other.set_number(8);
  EXPECT_EQ(Judged(other), "WRONG_REPLY");
}

TEST(Fence, TheIdMayBeWrittenInAnyOrder) {
  pb::BatchId job;
  job.set_job("j");
  pb::BatchId rest = Id(2, 3);
  rest.clear_job();
  const std::string other_order =
      rest.SerializeAsString() + job.SerializeAsString();
  ASSERT_NE(other_order, Id(2, 3).SerializeAsString());
  EXPECT_TRUE(SameId(Id(2, 3).SerializeAsString(), other_order));
  EXPECT_FALSE(SameId(Id(1, 3).SerializeAsString(), other_order));
  EXPECT_FALSE(SameId("\xff", other_order));
}

TEST(Fence, AReplyWithoutAnIdOrMalformedIsRefused) {
  for (const char* const header : {"", "\x0a\xff", "\x0a\x02\xff\xff"}) {
    UnaryReply reply;
    reply.header = header;
    CheckAttempt(kProcess, Id(2, 3).SerializeAsString(), reply);
    EXPECT_EQ(ReasonOf(reply.status), "WRONG_REPLY");
  }
}

TEST(Fence, ErrorsAndMethodsWithoutIdsPass) {
  UnaryReply failed;
  failed.status = Draining("model");
  CheckAttempt(kProcess, Id(2, 3).SerializeAsString(), failed);
  EXPECT_EQ(ReasonOf(failed.status), "DRAINING");
  UnaryReply plan;
  CheckAttempt("/troupe.v1.Loader/Plan", std::nullopt, plan);
  EXPECT_TRUE(plan.status.ok());
}

std::string RejectingReply(const std::string& reason) {
  pb::ProcessResponse response;
  response.mutable_rejected()->add_causes()->set_reason("BAD_ROW");
  response.mutable_rejected()->add_causes()->set_reason(reason);
  return response.SerializeAsString();
}

TEST(ReplyHeader, TellsWhetherRowsCrashedOrHungAChild) {
  EXPECT_TRUE(RejectsCrashes(kProcess, RejectingReply("STAGE_CRASH")));
  EXPECT_TRUE(RejectsCrashes(kProcess, RejectingReply("STAGE_TIMEOUT")));
  EXPECT_FALSE(RejectsCrashes(kProcess, RejectingReply("TYPE_MISMATCH")));
  EXPECT_FALSE(RejectsCrashes(kProcess, "\x1a\xff"));
  EXPECT_EQ(
      pb::LoadResponse::descriptor()->FindFieldByName("rejected")->number(), 9);
  EXPECT_EQ(
      pb::ObserveResponse::descriptor()->FindFieldByName("rejected")->number(),
      9);
}

}  // namespace
}  // namespace troupe
