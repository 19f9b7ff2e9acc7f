#include "services/table/serialize.h"

#include <string>

#include "gtest/gtest.h"
#include "proto/pb.h"
#include "services/base/errors.h"
#include "troupe/v1/stage.pb.h"
#include "troupe/v1/table.pb.h"

namespace troupe {
namespace {

pb::Column ColumnOf(size_t bytes) {
  pb::Column column;
  column.set_values(std::string(bytes, 'x'));
  return column;
}

TEST(Serialize, GivesTheBytesUpToTheLimitAndAnErrorBeyond) {
  const pb::Column column = ColumnOf(100);  // And two bytes before them.
  EXPECT_EQ(Serialize(column, 102).value(), column.SerializeAsString());
  EXPECT_EQ(SerializeCanonical(column, 102).value(),
            column.SerializeAsString());
  for (const auto& beyond :
       {Serialize(column, 101), SerializeCanonical(column, 101)}) {
    EXPECT_EQ(beyond.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(ReasonOf(beyond.status()), "MESSAGE_TOO_LARGE");
    EXPECT_EQ(MetadataOf(beyond.status()).at("bytes"), "102");
    EXPECT_EQ(beyond.status().message(),
              "a troupe.v1.Column of 102 bytes cannot be sent or stored: it "
              "may have 101");
  }
}

TEST(Serialize, AnEmptyMessageIsNoError) {
  EXPECT_EQ(Serialize(pb::Column()).value(), "");
  EXPECT_EQ(SerializeSmall(pb::Column()), "");
}

TEST(Serialize, CanonicalBytesAreTheSameForTheSameMap) {
  std::string first;
  for (int run = 0; run < 2; ++run) {
    pb::StageParams params;
    auto& fields = *params.mutable_custom()->mutable_fields();
    for (int i = 0; i < 100; ++i)
      fields["k" + std::to_string(run == 0 ? i : 99 - i)].set_number_value(1);
    const std::string bytes = SerializeCanonical(params).value();
    if (run == 0) first = bytes;
    EXPECT_EQ(bytes, first);
  }
}

}  // namespace
}  // namespace troupe
