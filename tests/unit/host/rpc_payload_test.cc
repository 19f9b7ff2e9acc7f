#include "services/host/rpc_payload.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {
namespace {

// Whatever the table's size, it is on the wire what Protobuf makes of it.
TEST(MakeReply, IsTheMessageWithItsTable) {
  for (const size_t size : {0, 1, 127, 128, 16383, 16384, 3 << 20}) {
    pb::ProcessResponse whole;
    whole.set_rows(3);
    whole.set_form(pb::LINES);
    pb::ProcessResponse header = whole;
    whole.set_table(std::string(size, 'x'));
    auto reply = MakeReply(header, std::string(size, 'x'), 3);
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->rows, 3);
    pb::ProcessResponse received;
    auto* const payload = dynamic_cast<RpcPayload*>(reply->payload.get());
    ASSERT_NE(payload, nullptr);
    EXPECT_EQ(payload->bytes().Length(), whole.ByteSizeLong());
    ASSERT_TRUE(ParseBytes(payload->bytes(), received).ok());
    EXPECT_EQ(received.SerializeAsString(), whole.SerializeAsString());
  }
}

}  // namespace
}  // namespace troupe
