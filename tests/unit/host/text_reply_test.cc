#include "services/host/text_reply.h"

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "tests/unit/host/echo_host.h"

namespace troupe {
namespace {

// A row with the number 0.5 in a column `x`, which is what EchoStage answers
// when it is asked with it.
std::string OneRow() {
  Table table;
  table.rows = 1;
  table.schema = {{"x", pb::FLOAT64, pb::FEATURE}};
  table.columns = {Column::FromDoubles({0.5})};
  return SerializeTable(std::move(table)).value();
}

pb::TextForm FormOf(const std::string& column, int64_t max_bytes = 0) {
  pb::TextForm form;
  form.mutable_output()->set_format(pb::JSONL);
  form.add_columns(column);
  form.set_max_bytes(max_bytes);
  return form;
}

absl::StatusOr<pb::ProcessResponse> Ask(EchoHost& echo,
                                        const std::string& table,
                                        const pb::TextForm& form) {
  pb::ProcessRequest request;
  request.set_form(pb::LINES);
  *request.mutable_text() = form;
  request.set_table(table);
  grpc::ClientContext context;
  pb::ProcessResponse response;
  RETURN_IF_ERROR(
      FromGrpcStatus(echo.stub->Process(&context, request, &response)));
  return response;
}

TEST(TextReply, HostRendersForAStageThatKnowsTablesOnly) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  const auto response = Ask(echo, OneRow(), FormOf("x"));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->form(), pb::LINES);
  EXPECT_EQ(response->rows(), 1);
  EXPECT_EQ(response->table(), "{\"x\": 0.5}\n");
  EXPECT_EQ(echo.stage->last_form, pb::COLUMNS);
}

TEST(TextReply, RefusesOtherColumnsThanTheReceiverExpects) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  EXPECT_EQ(Ask(echo, OneRow(), FormOf("y")).status().code(),
            absl::StatusCode::kInternal);
}

TEST(TextReply, SaysWhenTheTextIsTooLarge) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  EXPECT_TRUE(Ask(echo, OneRow(), FormOf("x", 11)).ok());
  EXPECT_EQ(ReasonOf(Ask(echo, OneRow(), FormOf("x", 10)).status()),
            "TEXT_TOO_LARGE");
}

TEST(TextReply, RefusesATableThatIsNone) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  EXPECT_EQ(ReasonOf(Ask(echo, "hello", FormOf("x")).status()), "BAD_TABLE");
}

TEST(TextReply, IsEmptyWithoutRows) {
  pb::ProcessResponse response;
  ASSERT_TRUE(RenderReply(FormOf("x"), response).ok());
  EXPECT_EQ(response.form(), pb::LINES);
  EXPECT_EQ(response.table(), "");
}

TEST(TextReply, RefusesAnotherNumberOfRowsThanWasCounted) {
  pb::ProcessResponse response;
  response.set_rows(2);
  response.set_table(OneRow());
  EXPECT_EQ(RenderReply(FormOf("x"), response).code(),
            absl::StatusCode::kInternal);
}

TEST(TextReply, StageMayRenderItsTableItself) {
  pb::ProcessRequest request;
  *request.mutable_text() = FormOf("x");
  pb::ProcessResponse response;
  response.set_rows(1);
  ASSERT_TRUE(SetTable(request, *ParseTable(OneRow()), response).ok());
  ASSERT_TRUE(RenderReply(request.text(), response).ok());
  EXPECT_EQ(response.table(), "{\"x\": 0.5}\n");
}

}  // namespace
}  // namespace troupe
