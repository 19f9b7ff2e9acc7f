#include "services/host/merge_pieces.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

MergePiece PieceAt(int64_t offset, int64_t max_bytes,
                   const std::string& whole = "") {
  pb::MergeRequest request;
  request.set_offset(offset);
  request.set_max_piece_bytes(max_bytes);
  if (!whole.empty()) request.set_sha256(Sha256Hex(whole));
  return MergePiece(request);
}

pb::MergeResponse ArtifactAnswer(const std::string& bytes) {
  pb::MergeResponse response;
  response.set_artifact(bytes);
  response.add_warnings("beware");
  return response;
}

TEST(MergePieces, AnswersWhatIsSmallAsAWhole) {
  MergePieces pieces;
  const auto answer = pieces.Cut(PieceAt(0, 5), ArtifactAnswer("abcde"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->artifact(), "abcde");
  EXPECT_EQ(answer->total_bytes(), 5);
  EXPECT_EQ(answer->sha256(), Sha256Hex("abcde"));
  EXPECT_EQ(answer->warnings(0), "beware");
}

TEST(MergePieces, KeepsWhatIsLargeUntilItsLastPieceIsTaken) {
  MergePieces pieces;
  const auto first = pieces.Cut(PieceAt(0, 2), ArtifactAnswer("abcde"));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->artifact(), "ab");
  EXPECT_EQ(first->total_bytes(), 5);
  EXPECT_EQ(pieces.Find(PieceAt(2, 2, "abcde"))->artifact(), "cd");
  const auto last = pieces.Find(PieceAt(4, 2, "abcde"));
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->artifact(), "e");
  EXPECT_EQ(last->total_bytes(), 5);
  EXPECT_EQ(last->sha256(), Sha256Hex("abcde"));
  EXPECT_FALSE(pieces.Find(PieceAt(4, 2, "abcde")).has_value());
}

TEST(MergePieces, AnswersAnyPieceWhereAnotherReplicaGaveTheFirst) {
  MergePieces pieces;
  EXPECT_FALSE(pieces.Find(PieceAt(2, 2, "abcde")).has_value());
  const auto answer =
      pieces.Cut(PieceAt(2, 2, "abcde"), ArtifactAnswer("abcde"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->artifact(), "cd");
  EXPECT_EQ(pieces.Find(PieceAt(4, 2, "abcde"))->artifact(), "e");
}

TEST(MergePieces, DoesNotTakeOneResultForAnother) {
  MergePieces pieces;
  ASSERT_TRUE(pieces.Cut(PieceAt(0, 2), ArtifactAnswer("abcde")).ok());
  EXPECT_FALSE(pieces.Find(PieceAt(2, 2, "abcdX")).has_value());
  EXPECT_FALSE(pieces.Find(PieceAt(0, 2, "abcde")).has_value());
  EXPECT_FALSE(pieces.Find(PieceAt(9, 2, "abcde")).has_value());
}

TEST(MergePieces, CutsStatesToo) {
  MergePieces pieces;
  pb::MergeResponse response;
  response.set_state("abcde");
  EXPECT_EQ(pieces.Cut(PieceAt(0, 3), response)->state(), "abc");
  EXPECT_EQ(pieces.Find(PieceAt(3, 3, "abcde"))->state(), "de");
}

TEST(MergePieces, LeavesPartialsAndEvaluationsAlone) {
  MergePieces pieces;
  pb::MergeResponse response;
  response.set_partial("abcde");
  const auto answer = pieces.Cut(PieceAt(0, 2), response);
  EXPECT_EQ(answer->partial(), "abcde");
  EXPECT_EQ(answer->sha256(), "");
  EXPECT_EQ(ReasonOf(pieces.Cut(PieceAt(2, 2), response).status()),
            "BAD_MESSAGE");
}

TEST(MergePieces, SendsAtMost16MiBWhateverIsAskedFor) {
  const std::string large((size_t{16} << 20) + 1, 'x');
  for (const int64_t asked : {int64_t{0}, int64_t{1} << 40}) {
    MergePieces pieces;
    const auto answer = pieces.Cut(PieceAt(0, asked), ArtifactAnswer(large));
    EXPECT_EQ(answer->artifact().size(), size_t{16} << 20);
  }
}

TEST(MergePieces, RefusesPiecesThatCannotBe) {
  MergePieces pieces;
  for (const MergePiece& piece :
       {PieceAt(5, 2), PieceAt(-1, 2), PieceAt(0, -1), PieceAt(1, -1)})
    EXPECT_EQ(ReasonOf(pieces.Cut(piece, ArtifactAnswer("abcde")).status()),
              "BAD_MESSAGE");
  EXPECT_TRUE(pieces.Cut(PieceAt(0, 2), ArtifactAnswer("")).ok());
}

}  // namespace
}  // namespace troupe
