#include "client/coordinator/jobs/preview.h"

#include "gtest/gtest.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

TEST(Preview, TakesValuesOfEveryType) {
  ColumnBuilder days(pb::DATE);
  days.AppendInt64(17'000);
  ColumnBuilder moments(pb::TIMESTAMP);
  moments.AppendInt64(-1);
  ColumnBuilder words(pb::STRING);
  words.AppendText("a");
  Table table;
  table.rows = 1;
  table.schema = {
      {"day", pb::DATE}, {"moment", pb::TIMESTAMP}, {"word", pb::STRING}};
  for (ColumnBuilder* builder : {&days, &moments, &words})
    table.columns.push_back(builder->Finish());
  Preview preview(10);
  preview.Add(table);
  const auto shown = ParseTable(*preview.Finish());
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_EQ(shown->columns[0].int64s()[0], 17'000);
  EXPECT_EQ(shown->columns[1].int64s()[0], -1);
  EXPECT_EQ(shown->columns[2].text(0), "a");
}

}  // namespace
}  // namespace troupe
