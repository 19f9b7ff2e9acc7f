#include "services/host/grpc_status.h"

#include <string>

#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

absl::Status RoundTrip(const absl::Status& status) {
  return FromGrpcStatus(ToGrpcStatus(status));
}

TEST(GrpcStatus, KeepsCodeMessageReasonAndMetadata) {
  const absl::Status back =
      RoundTrip(BadSpec("steps[2].clip", "no \"columns\""));
  EXPECT_EQ(back.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(back.message(), "steps[2].clip: no \"columns\"");
  EXPECT_EQ(ReasonOf(back), "BAD_SPEC");
  EXPECT_EQ(MetadataOf(back).at("field"), "steps[2].clip");
}

TEST(GrpcStatus, KeepsTheRetryDelay) {
  EXPECT_EQ(RetryDelayOf(RoundTrip(MailboxFull(3, 100))),
            absl::Milliseconds(50));
  EXPECT_FALSE(RetryDelayOf(RoundTrip(NotReady("model"))).has_value());
}

TEST(GrpcStatus, OkIsOk) { EXPECT_TRUE(RoundTrip(absl::OkStatus()).ok()); }

TEST(GrpcStatus, PlainStatusHasNoReason) {
  const absl::Status back = RoundTrip(absl::InternalError("oops"));
  EXPECT_EQ(ReasonOf(back), "");
  EXPECT_EQ(back.message(), "oops");
}

TEST(GrpcStatus, DetailsRepeatCodeAndMessage) {
  google::rpc::Status details;
  ASSERT_TRUE(
      details.ParseFromString(ToGrpcStatus(JobNotFound("x")).error_details()));
  EXPECT_EQ(details.code(), 5);
  EXPECT_EQ(details.message(), "no job \"x\"");
}

TEST(GrpcStatus, GarbageInTheDetailsIsIgnored) {
  const grpc::Status status(grpc::StatusCode::NOT_FOUND, "gone", "\xff\xff");
  EXPECT_EQ(FromGrpcStatus(status).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), "");
}

TEST(GrpcStatus, TrailersStaySmall) {
  ErrorMetadata metadata;
  for (int i = 0; i < 100; ++i)
    metadata["key" + std::to_string(i)] = std::string(5'000, 'v');
  const grpc::Status status =
      ToGrpcStatus(MakeError(absl::StatusCode::kInvalidArgument, "BAD_SPEC",
                             std::string(100'000, 'm'), metadata));
  // Percent encoding takes three bytes for one at worst, base64 four for three.
  EXPECT_LT(
      status.error_message().size() * 3 + status.error_details().size() * 4 / 3,
      6u * 1024);
  EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), "BAD_SPEC");
}

TEST(GrpcStatus, CutsAtCharactersAndCleansInvalidText) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "\xc3\xa4";
  const std::string cut =
      ToGrpcStatus(absl::NotFoundError(text)).error_message();
  EXPECT_EQ(cut.size() % 2, 0u);
  EXPECT_EQ(ToGrpcStatus(absl::NotFoundError("a\xff\xc3z")).error_message(),
            "a??z");
}

}  // namespace
}  // namespace troupe
