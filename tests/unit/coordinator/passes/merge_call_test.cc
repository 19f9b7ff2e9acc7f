#include "client/coordinator/passes/merge_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "tests/testing/fake_company.h"

namespace troupe {
namespace {

using testing::ElementsAre;

// Merges the partials "01234" and "56789" in answers of at most 4 bytes.
absl::StatusOr<pb::MergeResponse> MergeTenBytes(FakeOffice& office) {
  office.environment.limits.max_batch_bytes = 4;
  JobContext context(&office.environment,
                     std::make_shared<LiveJob>(office.WritingJob("j")));
  pb::MergeRequest request;
  request.add_partials("01234");
  request.add_partials("56789");
  request.set_last(true);
  return CallMerge(context, "preprocessor", std::move(request));
}

TEST(CallMerge, GetsALargeArtifactPieceByPiece) {
  FakeOffice office;
  const auto merged = MergeTenBytes(office);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->artifact(), "0123456789");
  std::vector<int64_t> offsets;
  for (const pb::MergeRequest& request : office.company.merged) {
    offsets.push_back(request.offset());
    EXPECT_EQ(request.partials_size(), 2);  // Any replica may answer.
  }
  EXPECT_THAT(offsets, ElementsAre(0, 4, 8));
}

TEST(CallMerge, GetsALargeStatePieceByPiece) {
  FakeOffice office;
  office.company.passes = 100;
  EXPECT_EQ(MergeTenBytes(office)->state(), "state0123456789");
}

TEST(CallMerge, AsksOnceWhereOneAnswerHoldsAll) {
  FakeOffice office;
  JobContext context(&office.environment,
                     std::make_shared<LiveJob>(office.WritingJob("j")));
  pb::MergeRequest request;
  request.add_partials("0123456789");
  request.set_last(true);
  EXPECT_EQ(CallMerge(context, "preprocessor", request)->artifact(),
            "0123456789");
  EXPECT_EQ(office.company.merged.size(), 1u);
}

TEST(CallMerge, TakesNoMoreThanItIsAllowed) {
  FakeOffice office;
  office.environment.limits.max_artifact_bytes = 9;
  EXPECT_EQ(ReasonOf(MergeTenBytes(office).status()), "ARTIFACT_TOO_LARGE");
  EXPECT_EQ(office.company.merged.size(), 1u);
}

// What a stage may get wrong in the answer at offset 4.
absl::Status MergeWith(std::function<void(pb::MergeResponse&)> fault) {
  FakeOffice office;
  office.company.edit_merge = [&](const pb::MergeRequest& request,
                                  pb::MergeResponse& answer) {
    if (request.offset() == 4) fault(answer);
  };
  return MergeTenBytes(office).status();
}

TEST(CallMerge, RefusesAnswersThatContradictTheFirst) {
  EXPECT_EQ(ReasonOf(MergeWith([](pb::MergeResponse& answer) {
              answer.set_sha256(std::string(64, '0'));
            })),
            "BAD_REPLY");
  EXPECT_EQ(ReasonOf(MergeWith(
                [](pb::MergeResponse& answer) { answer.set_total_bytes(11); })),
            "BAD_REPLY");
  EXPECT_EQ(ReasonOf(MergeWith(
                [](pb::MergeResponse& answer) { answer.set_state("4567"); })),
            "BAD_REPLY");
}

TEST(CallMerge, RefusesAPieceWithoutBytes) {
  EXPECT_EQ(ReasonOf(MergeWith(
                [](pb::MergeResponse& answer) { answer.set_artifact(""); })),
            "BAD_REPLY");
}

TEST(CallMerge, RefusesBytesOfAnotherDigestOrSize) {
  EXPECT_EQ(ReasonOf(MergeWith([](pb::MergeResponse& answer) {
              answer.set_artifact("456X");
            })),
            "BAD_REPLY");
  EXPECT_EQ(ReasonOf(MergeWith([](pb::MergeResponse& answer) {
              answer.set_artifact("456789X");
            })),
            "BAD_REPLY");
}

}  // namespace
}  // namespace troupe
