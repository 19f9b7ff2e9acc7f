// Batches that kill what handles them, in real child processes.
#include "services/host/isolation.h"

#include <sys/wait.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

class IsolationTest : public testing::Test {
 protected:
  IsolationTest() {
    limits_.command = {FAULTY};
    limits_.time = absl::Seconds(2);
    Table table;
    table.rows = 20;
    table.first_row = 100;
    table.schema = {{"x", pb::FLOAT64, pb::FEATURE}};
    table.columns.push_back(Column::FromDoubles(std::vector<double>(20, 1.5)));
    bytes_ = SerializeTable(std::move(table));
  }
  // No child is left, alive or dead.
  ~IsolationTest() override { EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1); }

  void Fault(const char* kind, const std::vector<int64_t>& rows) {
    auto& list =
        (*request_.mutable_params()->mutable_custom()->mutable_fields())[kind];
    for (const int64_t row : rows)
      list.mutable_list_value()->add_values()->set_number_value(
          static_cast<double>(row));
  }

  absl::StatusOr<pb::ProcessResponse> Run() {
    request_.set_isolate(true);
    request_.set_table(bytes_);
    Isolation isolation(limits_);
    return isolation.Process(request_, context_);
  }

  IsolationLimits limits_;
  pb::ProcessRequest request_;
  std::string bytes_;
  std::shared_ptr<CancelToken> token_ = std::make_shared<CancelToken>();
  Context context_{{}, token_};
};

std::vector<std::string> Rejected(const pb::ProcessResponse& response) {
  std::vector<std::string> rejected;
  for (const auto& row : response.rejected())
    rejected.push_back(std::to_string(row.row()) + " " +
                       std::string(row.reason()));
  return rejected;
}

TEST_F(IsolationTest, CleanTableIsUnchanged) {
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->table(), bytes_);
}

TEST_F(IsolationTest, FindsEveryGuiltyRow) {
  Fault("crash", {100, 105, 106, 119});
  Fault("oom", {110});
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Rejected(*response),
            (std::vector<std::string>{"100 STAGE_CRASH", "105 STAGE_CRASH",
                                      "106 STAGE_CRASH", "110 STAGE_CRASH",
                                      "119 STAGE_CRASH"}));
  EXPECT_EQ(response->rows(), 15);
  EXPECT_EQ(ParseTable(response->table())->Ordinal(0), 101);
}

TEST_F(IsolationTest, HangingRowIsATimeout) {
  Fault("hang", {107});
  limits_.time = absl::Milliseconds(500);
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Rejected(*response), std::vector<std::string>{"107 STAGE_TIMEOUT"});
}

TEST_F(IsolationTest, CancelKillsTheChild) {
  Fault("hang", {107});
  token_->Cancel();
  EXPECT_EQ(ReasonOf(Run().status()), ReasonOf(CallerLeft()));
}

}  // namespace
}  // namespace troupe
