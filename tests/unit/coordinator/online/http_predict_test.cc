#include "client/coordinator/online/http_predict.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace troupe {
namespace {

TEST(RowsOfBody, TakesAnArrayAnObjectOrLines) {
  for (const char* body : {"[{\"a\": \"]}\\\"\"},\n {\"b\":[1,{}]}]",
                           " {\"a\": \"]}\\\"\"}\n{\"b\":[1,{}]}\n",
                           "{\"a\": \"]}\\\"\"}{\"b\":[1,{}]}"})
    EXPECT_EQ(*RowsOfBody(body), "{\"a\": \"]}\\\"\"}\n{\"b\":[1,{}]}\n")
        << body;
  EXPECT_EQ(*RowsOfBody("{\"a\":\n1}"), "{\"a\": 1}\n");
  EXPECT_EQ(*RowsOfBody("[ ]"), "");
  EXPECT_EQ(*RowsOfBody(""), "");
}

TEST(RowsOfBody, RefusesWhatHoldsOtherThings) {
  for (const char* body :
       {"[", "[{}", "[{},", "[{},]", "[{}{}]", "[1]", "1", "{", "{\"a\":\"}",
        "{\"a\":\"\\", "[{}]]", "[{}] {}", "{},{}", "]", "[,{}]"})
    EXPECT_EQ(ReasonOf(RowsOfBody(body).status()), "BAD_SPEC") << body;
}

TEST(BodyOf, IsJsonWhateverItHolds) {
  pb::PredictResponse response;
  response.set_pipeline("n@1");
  response.add_rows()->set_json("{\"prediction\":1}");
  pb::RowError& error = *response.add_rows()->mutable_error();
  error.set_reason("BAD_ROW");
  error.set_message("a \"quote\"\n");
  EXPECT_EQ(BodyOf(response),
            "{\"pipeline\":\"n@1\",\"rows\":[\n{\"prediction\":1},\n"
            "{\"error\":{\"reason\":\"BAD_ROW\",\"message\":\"a "
            "\\\"quote\\\"\\n\"}}]}\n");
}

TEST(HttpErrorOf, SaysWhatGrpcSays) {
  const HttpAnswer answer = HttpErrorOf(TooManyRequests("9 rows"));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.retry_after, 1);
  EXPECT_NE(answer.body.find("\"reason\":\"TOO_MANY_REQUESTS\""),
            std::string::npos);
}

}  // namespace
}  // namespace troupe
