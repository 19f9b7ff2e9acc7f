#include "services/loader/formats/record_scanner.h"

#include "gtest/gtest.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using Outcome = RecordScanner::Outcome;

// What the scanner says of the first record of `text`, of which more follows.
Outcome FirstOf(absl::string_view text) {
  const Dialect dialect;
  RecordScanner scanner(dialect, text, /*last=*/false, 1);
  Record record;
  return scanner.Next(&record);
}

TEST(RecordScanner, NeedsMoreTextUntilALineEndIsCertain) {
  EXPECT_EQ(FirstOf("a,b"), Outcome::kIncomplete);
  EXPECT_EQ(FirstOf("a,\"b\n"), Outcome::kIncomplete);
  EXPECT_EQ(FirstOf("a,b\r"), Outcome::kIncomplete);
  EXPECT_EQ(FirstOf("  "), Outcome::kIncomplete);
  EXPECT_EQ(FirstOf("a,b\r\n"), Outcome::kRecord);
  EXPECT_EQ(FirstOf("a,b\rc"), Outcome::kRecord);
}

TEST(RecordScanner, SaysWhereAQuoteOpened) {
  const Dialect dialect;
  RecordScanner scanner(dialect, "a\n\"1\n2\",\"x\n", /*last=*/true, 10);
  Record record;
  ASSERT_EQ(scanner.Next(&record), Outcome::kRecord);
  EXPECT_EQ(scanner.Next(&record), Outcome::kOpenQuote);
  EXPECT_EQ(scanner.line(), 11);
  EXPECT_EQ(scanner.open_quote_line(), 12);
}

TEST(RecordCutter, CountsBlankLinesBeyondItsWindow) {
  LoaderBelowFolder setup;
  setup.folder.Write("t.csv", "a\n" + std::string(500'000, '\n') + "1,2\n");
  const absl::StatusOr<pb::PlanResponse> plan =
      setup.Plan(PlanRequestFor(SourceAt("t.csv"), 1));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->splits(0).first_line(), 500'002);
}

}  // namespace
}  // namespace troupe::loader
