#include "services/table/rejected_rows.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> NumbersOf(const RejectedRows& rows) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < rows.size(); ++i) numbers.push_back(rows.row(i));
  return numbers;
}

RejectedRows Sample() {
  RejectedRows rows("f.csv");
  rows.Add(3, {"TYPE_MISMATCH", "column \"x\": ", "\"a\"", " is no int64"},
           {5, 2});
  rows.Add(4,
           {"TYPE_MISMATCH", "column \"x\": ", "\"caf\u00e9\"", " is no int64"},
           {6, 1});
  rows.Add(9, {"BAD_ROW", "byte ", "0xff", ""});
  return rows;
}

TEST(RejectedRows, TellWhereAndWhyOrTheRowWhereThePlaceIsNotKnown) {
  const RejectedRows rows = Sample();
  EXPECT_EQ(rows.Message(0), "f.csv:5:2: column \"x\": \"a\" is no int64");
  EXPECT_EQ(rows.Message(2), "row 9, byte 0xff");
  EXPECT_EQ(rows.ToRow(1).reason(), "TYPE_MISMATCH");
}

TEST(RejectedRows, AreTheSameAfterTheWire) {
  const RejectedRows rows = Sample();
  const auto back = RejectedRows::FromProto(rows.ToProto());
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(back->size(), 3);
  for (int64_t i = 0; i < 3; ++i)
    EXPECT_EQ(back->ToRow(i).SerializeAsString(),
              rows.ToRow(i).SerializeAsString());
}

TEST(RejectedRows, TakeFewBytesWhereRowsAreWrongAlike) {
  RejectedRows rows("a/rather/long/name/of/a/file.csv");
  for (int64_t i = 0; i < 10'000; ++i)
    rows.Add(i, {"BAD_ROW", "expected 2 fields, saw ", "3", ""}, {i + 2, 5});
  EXPECT_EQ(rows.ToProto().causes_size(), 1);
  EXPECT_LT(rows.ToProto().ByteSizeLong(), 10'000U * 7);
}

TEST(RejectedRows, OfSeveralRepliesAreSortedAsOne) {
  RejectedRows rows = Sample();
  RejectedRows more;
  more.Add(1, {"BAD_ROW", "byte ", "0xfe", ""});
  more.Add(4, {"BAD_ROW", "twice", "", ""});
  rows.Append(more);
  rows.Sort();
  EXPECT_THAT(NumbersOf(rows), ElementsAre(1, 3, 4, 4, 9));
  EXPECT_EQ(rows.Message(3), "row 4, twice");
  EXPECT_EQ(rows.Message(1), "f.csv:5:2: column \"x\": \"a\" is no int64");
}

TEST(RejectedRows, CanBeChosenAndRenumbered) {
  RejectedRows rows = Sample().Select([](int64_t row) { return row != 4; });
  rows.Renumber([](int64_t row) { return row * 10; });
  EXPECT_THAT(NumbersOf(rows), ElementsAre(30, 90));
  EXPECT_EQ(RejectedRows::FromProto(rows.ToProto())->Message(1),
            "row 90, byte 0xff");
}

// What is wrong with a message, or "OK".
std::string Verdict(const pb::RejectedRows& proto) {
  const auto rows = RejectedRows::FromProto(proto);
  return rows.ok() ? "OK" : std::string(rows.status().message());
}

TEST(RejectedRows, AreRefusedWhereTheirColumnsDoNotFit) {
  const pb::RejectedRows good = Sample().ToProto();
  ASSERT_EQ(Verdict(good), "OK");
  pb::RejectedRows bad = good;
  bad.add_rows(1);
  EXPECT_EQ(Verdict(bad), "rejected rows: columns of different lengths");
  bad = good;
  bad.add_lines(1);
  EXPECT_EQ(Verdict(bad), "rejected rows: columns of different lengths");
  bad = good;
  bad.set_rows(1, 0);
  EXPECT_EQ(Verdict(bad), "rejected rows: their numbers do not rise");
  bad.set_rows(1, INT64_MAX);
  EXPECT_EQ(Verdict(bad), "rejected rows: their numbers do not rise");
  bad = good;
  bad.set_causes_of_rows(2, 2);
  EXPECT_EQ(Verdict(bad), "rejected rows: a cause that is not given");
  bad = good;
  bad.set_value_bytes(2, UINT32_MAX);
  EXPECT_EQ(Verdict(bad), "rejected rows: values that are not given");
  bad = good;
  bad.set_value_bytes(1, bad.value_bytes(1) - 2);  // Within the e acute.
  bad.set_value_bytes(2, bad.value_bytes(2) + 2);
  EXPECT_EQ(Verdict(bad), "rejected rows: values that are not given");
}

}  // namespace
}  // namespace troupe
