#include "services/base/errors.h"

#include <string>

#include "gtest/gtest.h"

namespace troupe {
namespace {

TEST(Errors, CarryReasonAndMetadata) {
  const absl::Status status = ArtifactMissing("abc");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "ARTIFACT_MISSING");
  EXPECT_EQ(MetadataOf(status), (ErrorMetadata{{"sha256", "abc"}}));
}

TEST(Errors, PlainStatusHasNeither) {
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), "");
  EXPECT_TRUE(MetadataOf(absl::InternalError("x")).empty());
  EXPECT_FALSE(RetryDelayOf(absl::InternalError("x")).has_value());
}

TEST(Errors, MetadataMayHoldAnyBytes) {
  const std::string odd("line\nbreak\0and \\ \xff", 18);
  const absl::Status status =
      MakeError(absl::StatusCode::kNotFound, "X", "x", {{odd, odd}});
  EXPECT_EQ(MetadataOf(status), (ErrorMetadata{{odd, odd}}));
}

TEST(Errors, WithMetadataKeepsWhatIsThere) {
  absl::Status status = BadSpec("steps[0]", "x");
  status = WithMetadata(status, "field", "other");
  status = WithMetadata(status, "line", "14");
  EXPECT_EQ(MetadataOf(status).at("field"), "steps[0]");
  EXPECT_EQ(MetadataOf(status).at("line"), "14");
  EXPECT_TRUE(WithMetadata(absl::OkStatus(), "a", "b").ok());
}

TEST(Errors, WithPrefixKeepsReasonAndDelay) {
  const absl::Status status = WithPrefix(MailboxFull(3, 10), "model:50053");
  EXPECT_EQ(status.message().substr(0, 13), "model:50053: ");
  EXPECT_EQ(ReasonOf(status), "MAILBOX_FULL");
  EXPECT_EQ(RetryDelayOf(status), absl::Milliseconds(50));
}

TEST(Errors, BadInputNamesThePlace) {
  const absl::Status status = BadInput("a.csv", 3, 7, "unclosed quote");
  EXPECT_EQ(status.message(), "a.csv:3:7: unclosed quote");
  EXPECT_EQ(MetadataOf(status).at("line"), "3");
  EXPECT_EQ(BadInput("a.csv", 0, 0, "empty").message(), "a.csv: empty");
}

TEST(Errors, UnknownColumnOffersTheNearest) {
  const absl::Status status = UnknownColumn("aeg", {"age", "income"});
  EXPECT_EQ(status.message(),
            "column \"aeg\" is not in the table; did you mean \"age\"?");
  EXPECT_EQ(MetadataOf(status).at("nearest"), "age");
}

TEST(Errors, TellsSeveralMistakesTogether) {
  const absl::Status both =
      Together({BadSpec("a", "wrong"), UnknownColumn("b", {"c"})});
  EXPECT_EQ(both.message(),
            "a: wrong\ncolumn \"b\" is not in the table; did "
            "you mean \"c\"?");
  EXPECT_EQ(ReasonOf(both), "BAD_SPEC");
  EXPECT_EQ(MetadataAt(MetadataOf(both), "field", 0), "a");
  EXPECT_EQ(MetadataAt(MetadataOf(both), "field", 1), "");
  EXPECT_EQ(MetadataAt(MetadataOf(both), "column", 1), "b");
}

}  // namespace
}  // namespace troupe
