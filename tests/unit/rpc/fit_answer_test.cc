#include "client/rpc/fit_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

pb::FitResponse Piece(const std::string& bytes) {
  pb::FitResponse message;
  message.set_artifact_piece(bytes);
  return message;
}

pb::FitResponse ResultOf(const std::string& artifact) {
  pb::FitResponse message;
  message.mutable_result()->set_rounds(3);
  message.mutable_result()->set_artifact_bytes(
      static_cast<int64_t>(artifact.size()));
  message.mutable_result()->set_artifact_sha256(Sha256Hex(artifact));
  return message;
}

pb::FitResponse Progress(int rounds) {
  pb::FitResponse message;
  message.mutable_progress()->set_rounds(rounds);
  return message;
}

TEST(FitAnswer, PutsPiecesTogether) {
  FitAnswer answer(5, nullptr);
  ASSERT_TRUE(answer.Take(Piece("ab")).ok());
  ASSERT_TRUE(answer.Take(Progress(1)).ok());
  ASSERT_TRUE(answer.Take(Piece("cde")).ok());
  ASSERT_TRUE(answer.Take(ResultOf("abcde")).ok());
  const auto learned = answer.Finish();
  ASSERT_TRUE(learned.ok()) << learned.status();
  EXPECT_EQ(learned->artifact, "abcde");
  EXPECT_EQ(learned->result.rounds(), 3);
}

TEST(FitAnswer, TellsProgressAsItComes) {
  std::vector<int> rounds;
  FitAnswer answer(5, [&](const pb::FitProgress& progress) {
    rounds.push_back(progress.rounds());
  });
  ASSERT_TRUE(answer.Take(Progress(1)).ok());
  ASSERT_TRUE(answer.Take(Progress(9)).ok());
  EXPECT_THAT(rounds, testing::ElementsAre(1, 9));
}

TEST(FitAnswer, MayBeOfNoBytes) {
  FitAnswer answer(0, nullptr);
  ASSERT_TRUE(answer.Take(ResultOf("")).ok());
  EXPECT_EQ(answer.Finish()->artifact, "");
}

TEST(FitAnswer, RefusesMoreBytesThanAllowedAndNamesTheFlag) {
  FitAnswer answer(5, nullptr);
  ASSERT_TRUE(answer.Take(Piece("abc")).ok());
  const absl::Status status = answer.Take(Piece("def"));
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_EQ(ReasonOf(status), "ARTIFACT_TOO_LARGE");
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("--max_artifact_bytes"));
}

TEST(FitAnswer, RefusesAMissingPiece) {
  FitAnswer answer(9, nullptr);
  ASSERT_TRUE(answer.Take(Piece("ab")).ok());
  ASSERT_TRUE(answer.Take(ResultOf("abcde")).ok());
  EXPECT_EQ(ReasonOf(answer.Finish().status()), "BAD_REPLY");
}

TEST(FitAnswer, RefusesAnotherDigest) {
  FitAnswer answer(9, nullptr);
  ASSERT_TRUE(answer.Take(Piece("abcdX")).ok());
  ASSERT_TRUE(answer.Take(ResultOf("abcde")).ok());
  EXPECT_EQ(ReasonOf(answer.Finish().status()), "BAD_REPLY");
}

TEST(FitAnswer, RefusesAnEndWithoutResult) {
  FitAnswer answer(9, nullptr);
  ASSERT_TRUE(answer.Take(Piece("abc")).ok());
  EXPECT_EQ(ReasonOf(answer.Finish().status()), "BAD_REPLY");
}

TEST(FitAnswer, RefusesWhatFollowsTheResultAndWhatIsNothing) {
  FitAnswer answer(9, nullptr);
  EXPECT_EQ(ReasonOf(answer.Take(pb::FitResponse())), "BAD_REPLY");
  ASSERT_TRUE(answer.Take(ResultOf("")).ok());
  EXPECT_EQ(ReasonOf(answer.Take(Piece("abc"))), "BAD_REPLY");
}

}  // namespace
}  // namespace troupe
