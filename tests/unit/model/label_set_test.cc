#include "services/model/label_set.h"

#include <gmock/gmock.h>

#include "services/base/errors.h"
#include "tests/unit/model/model_testing.h"

namespace troupe::model {
namespace {

using ::testing::ElementsAre;

LabelSet Collect(const Column& column, std::vector<int>* order = nullptr,
                 const Column* text = nullptr) {
  LabelCollector collector(column.type());
  for (int64_t i = 0; i < column.rows(); ++i)
    EXPECT_TRUE(collector.Add(column, i, text, 100).ok());
  std::vector<int> ignored;
  auto set = collector.Finish(order == nullptr ? ignored : *order);
  EXPECT_TRUE(set.ok()) << set.status();
  return *set;
}

TEST(LabelSet, SortsTextByBytes) {
  EXPECT_THAT(Collect(Texts({"b", "a10", "B", "a9", "\xc3\xa4"})).names(),
              ElementsAre("B", "a10", "a9", "b", "\xc3\xa4"));
}

TEST(LabelSet, SortsNumbersByValue) {
  EXPECT_THAT(Collect(Ints({10, 9, -3})).names(), ElementsAre("-3", "9", "10"));
  EXPECT_THAT(Collect(Column::FromDoubles({2, 10, 1})).names(),
              ElementsAre("1.0", "2.0", "10.0"));
}

TEST(LabelSet, WritesBoolsFalseFirst) {
  EXPECT_THAT(Collect(Bools({true, false})).names(),
              ElementsAre("False", "True"));
}

TEST(LabelSet, TellsThePlaceOfEachClassAsItAppeared) {
  std::vector<int> order;
  Collect(Texts({"b", "c", "a", "b"}), &order);
  EXPECT_THAT(order, ElementsAre(1, 2, 0));
}

TEST(LabelSet, DecodesToTheTypeThatWasLearned) {
  const Column texts = Collect(Texts({"n", "y"})).Decode({1, 0, 1});
  EXPECT_EQ(texts.text(0), "y");
  EXPECT_EQ(texts.text(1), "n");
  EXPECT_THAT(Collect(Ints({7, 5})).Decode({1, 0}).int64s(), ElementsAre(7, 5));
  EXPECT_THAT(Collect(Column::FromDoubles({7, 5})).Decode({1, 0}).doubles(),
              ElementsAre(7.0, 5.0));
  const Column bools = Collect(Bools({true, false})).Decode({0, 1});
  EXPECT_FALSE(bools.boolean(0));
  EXPECT_TRUE(bools.boolean(1));
}

TEST(LabelSet, NamesAClassByItsFirstSpelling) {
  const Column text = Texts({"02", "1.0", "2", "01"});
  const LabelSet set = Collect(Ints({2, 1, 2, 1}), nullptr, &text);
  EXPECT_THAT(set.names(), ElementsAre("1.0", "02"));
  EXPECT_THAT(set.values(), ElementsAre(1, 2));
  EXPECT_THAT(set.Encode(Ints({1, 2, 3})), ElementsAre(0, 1, -2));
  const Column decoded = set.Decode({1, 0});
  EXPECT_EQ(decoded.type(), pb::JSON);
  EXPECT_EQ(decoded.text(0), "\"02\"");  // JSON has no such number.
  EXPECT_EQ(decoded.text(1), "1.0");
}

TEST(LabelSet, KeepsTheTypeOfNamesThatPandasWouldWrite) {
  const Column numbers = Texts({"7", "5"}), bools = Texts({"True", "False"}),
               json = Texts({"true", "false"});
  EXPECT_EQ(Collect(Ints({7, 5}), nullptr, &numbers).column_type(), pb::INT64);
  EXPECT_EQ(Collect(Bools({true, false}), nullptr, &bools).column_type(),
            pb::BOOL);
  EXPECT_EQ(Collect(Bools({true, false}), nullptr, &json).Decode({1}).text(0),
            "true");
}

TEST(LabelSet, ReadsBackWhatItStores) {
  const Column text = Texts({"+1", "-1"});
  const LabelSet set = Collect(Ints({1, -1}), nullptr, &text);
  const auto read = LabelSet::FromNames(set.type(), set.names(), set.values());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->names(), ElementsAre("-1", "+1"));
  EXPECT_THAT(read->Encode(Ints({1})), ElementsAre(1));
}

TEST(LabelSet, EncodesMissingAndUnseenApart) {
  EXPECT_THAT(Collect(Texts({"n", "y"})).Encode(Texts({"y", "?", "x"})),
              ElementsAre(1, -1, -2));
  EXPECT_THAT(
      Collect(Ints({3, 4})).Encode(Column::FromDoubles({4, 3.5, NAN, 1e300})),
      ElementsAre(1, -2, -1, -2));
  EXPECT_THAT(Collect(Ints({3, 4})).Encode(Texts({"3"})), ElementsAre(-2));
}

TEST(LabelSet, RefusesFractionsAndTooManyLabels) {
  LabelCollector fractions(pb::FLOAT64);
  EXPECT_EQ(
      ReasonOf(
          fractions.Add(Column::FromDoubles({0.5}), 0, nullptr, 9).status()),
      "TARGET_NOT_A_LABEL");
  LabelCollector many(pb::INT64);
  const Column three = Ints({1, 2, 3});
  EXPECT_TRUE(many.Add(three, 0, nullptr, 2).ok());
  EXPECT_TRUE(many.Add(three, 1, nullptr, 2).ok());
  EXPECT_EQ(ReasonOf(many.Add(three, 2, nullptr, 2).status()),
            "TOO_MANY_LABELS");
}

TEST(LabelSet, RefusesStoredLabelsThatAreNotInOrder) {
  const auto read = [](DataType type, std::vector<std::string> names) {
    return ReasonOf(LabelSet::FromNames(type, std::move(names), {}).status());
  };
  EXPECT_EQ(read(pb::STRING, {"a", "b"}), "");
  EXPECT_EQ(read(pb::STRING, {"b", "a"}), "ARTIFACT_CORRUPT");
  EXPECT_EQ(read(pb::STRING, {"a", "a"}), "ARTIFACT_CORRUPT");
  EXPECT_EQ(read(pb::INT64, {"10", "9"}), "ARTIFACT_CORRUPT");
  EXPECT_EQ(read(pb::INT64, {"1", "x"}), "ARTIFACT_CORRUPT");
  EXPECT_EQ(read(pb::INT64, {"1", "02"}), "ARTIFACT_CORRUPT");
  EXPECT_EQ(read(pb::BOOL, {"false", "true"}), "ARTIFACT_CORRUPT");
  EXPECT_EQ(read(pb::FLOAT32, {"1"}), "ARTIFACT_CORRUPT");
  const auto valued = [](std::vector<int64_t> values) {
    return ReasonOf(
        LabelSet::FromNames(pb::INT64, {"+1", "x"}, std::move(values))
            .status());
  };
  EXPECT_EQ(valued({1, 2}), "");
  EXPECT_EQ(valued({2, 1}), "ARTIFACT_CORRUPT");
  EXPECT_EQ(valued({1}), "ARTIFACT_CORRUPT");
}

}  // namespace
}  // namespace troupe::model
