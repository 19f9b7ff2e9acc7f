#include "services/table/table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "services/table/column_builder.h"
#include "services/table/row_split.h"
#include "services/table/utf8.h"

namespace troupe {
namespace {

TEST(ColumnBuilder, KeepsFewStringsOnceAndManyPlain) {
  ColumnBuilder few(pb::STRING);
  ColumnBuilder many(pb::STRING);
  for (int i = 0; i < 5000; ++i) {
    few.AppendText(i % 2 == 0 ? "yes" : "no");
    many.AppendText(std::to_string(i));
  }
  const Column coded = few.Finish();
  const Column plain = many.Finish();
  EXPECT_TRUE(coded.dictionary_encoded());
  EXPECT_EQ(coded.dictionary_size(), 2);
  EXPECT_EQ(coded.text(4999), "no");
  EXPECT_FALSE(plain.dictionary_encoded());
  EXPECT_EQ(plain.text(0), "0");
  EXPECT_EQ(plain.text(4999), "4999");
}

TEST(ColumnBuilder, KeepsNullsApartWhenTheDictionaryIsDropped) {
  ColumnBuilder builder(pb::STRING);
  for (int i = 0; i < 3000; ++i) {
    if (i % 3 == 0)
      builder.AppendNull();
    else
      builder.AppendText(std::to_string(i));
  }
  const Column column = builder.Finish();
  EXPECT_FALSE(column.dictionary_encoded());
  EXPECT_EQ(column.null_count(), 1000);
  EXPECT_TRUE(column.IsNull(999));
  EXPECT_EQ(column.text(1000), "1000");
}

TEST(ColumnBuilder, PopBackForgetsTheLastRowOfEveryType) {
  for (const DataType type : {pb::BOOL, pb::INT64, pb::FLOAT64, pb::STRING}) {
    ColumnBuilder builder(type);
    for (int i = 0; i < 9; ++i) builder.AppendNull();
    builder.PopBack();
    switch (type) {
      case pb::BOOL:
        builder.AppendBool(true);
        break;
      case pb::INT64:
        builder.AppendInt64(1);
        break;
      case pb::FLOAT64:
        builder.AppendDouble(1);
        break;
      default:
        builder.AppendText("1");
    }
    const Column column = builder.Finish();
    EXPECT_EQ(column.rows(), 9) << TypeName(type);
    EXPECT_EQ(column.null_count(), 8) << TypeName(type);
    EXPECT_FALSE(column.IsNull(8)) << TypeName(type);
  }
}

TEST(ColumnBuilder, PopBackTakesTheTextOfTheRowWithIt) {
  for (const int distinct : {1, 3000}) {  // With a dictionary and without.
    ColumnBuilder builder(pb::STRING);
    for (int i = 0; i < distinct; ++i) builder.AppendText(std::to_string(i));
    builder.AppendText("removed");
    builder.PopBack();
    builder.AppendText("next");
    builder.AppendText("last");
    const Column column = builder.Finish();
    EXPECT_EQ(column.dictionary_encoded(), distinct == 1);
    EXPECT_EQ(column.text(distinct), "next");
    EXPECT_EQ(column.text(distinct + 1), "last");
  }
}

TEST(ColumnBuilder, PopBackOfTheOnlyNullRemovesTheBitmap) {
  ColumnBuilder builder(pb::INT64);
  builder.AppendInt64(1);
  builder.AppendNull();
  builder.PopBack();
  builder.AppendInt64(2);
  const Column column = builder.Finish();
  EXPECT_EQ(column.null_count(), 0);
  EXPECT_FALSE(column.IsNull(1));
}

TEST(Column, SelectPicksRowsOfEveryType) {
  ColumnBuilder flag(pb::BOOL);
  ColumnBuilder text(pb::STRING);
  for (int i = 0; i < 20; ++i) {
    flag.AppendBool(i % 3 == 0);
    if (i == 9)
      text.AppendNull();
    else
      text.AppendText(std::to_string(i));
  }
  const std::vector<int64_t> wanted = {9, 10, 18};
  const Column flags = flag.Finish().Select(wanted);
  const Column texts = text.Finish().Select(wanted);
  EXPECT_TRUE(flags.boolean(0));
  EXPECT_FALSE(flags.boolean(1));
  EXPECT_TRUE(texts.IsNull(0));
  EXPECT_EQ(texts.text(2), "18");
  EXPECT_EQ(texts.null_count(), 1);
}

TEST(Table, SelectKeepsOrdinalsAndFeatures) {
  Table table;
  table.rows = 3;
  table.first_row = 10;
  table.schema = {{"x", pb::FLOAT64, pb::FEATURE}};
  table.columns = {Column::FromDoubles({1, 2, 3})};
  const float values[] = {1, 2, 3};
  table.features = DenseMatrix{
      3,
      pb::FLOAT32,
      {"x"},
      std::string(reinterpret_cast<const char*>(values), sizeof(values))};
  const Table picked = table.Select({0, 2});
  EXPECT_EQ(picked.rows, 2);
  EXPECT_EQ(picked.Ordinal(1), 12);
  EXPECT_EQ(picked.columns[0].doubles()[1], 3);
  EXPECT_EQ(picked.features->floats()[1], 3);
}

TEST(Table, SliceKeepsContiguousOrdinals) {
  Table table;
  table.rows = 4;
  table.first_row = 100;
  table.schema = {{"x", pb::FLOAT64, pb::FEATURE}};
  table.columns = {Column::FromDoubles({1, 2, 3, 4})};
  const Table sliced = table.Slice(1, 3);
  EXPECT_TRUE(sliced.row_ids.empty());
  EXPECT_EQ(sliced.Ordinal(0), 101);
  EXPECT_EQ(sliced.columns[0].doubles()[1], 3);
}

TEST(RowSplit, GivesEachRoleItsShare) {
  pb::SplitSpec split;
  split.set_test(0.2);
  split.set_validation(0.1);
  split.set_seed(7);
  int test = 0;
  int validation = 0;
  constexpr int kRows = 100000;
  for (int64_t row = 0; row < kRows; ++row) {
    const RowRole role = RoleOfRow(split, row);
    test += role == RowRole::kTest ? 1 : 0;
    validation += role == RowRole::kValidation ? 1 : 0;
  }
  // Five standard deviations of a binomial.
  EXPECT_NEAR(test, 0.2 * kRows, 5 * std::sqrt(kRows * 0.2 * 0.8));
  EXPECT_NEAR(validation, 0.1 * kRows, 5 * std::sqrt(kRows * 0.1 * 0.9));
}

TEST(RowSplit, DependsOnTheSeed) {
  pb::SplitSpec one;
  one.set_test(0.5);
  one.set_seed(1);
  pb::SplitSpec two = one;
  two.set_seed(2);
  int differing = 0;
  for (int64_t row = 0; row < 1000; ++row)
    differing += RoleOfRow(one, row) != RoleOfRow(two, row) ? 1 : 0;
  EXPECT_NEAR(differing, 500, 100);
}

TEST(RowSplit, SetsTakeTheirRoles) {
  EXPECT_TRUE(Contains(pb::ALL_ROWS, RowRole::kTest));
  EXPECT_FALSE(Contains(pb::TRAIN_ROWS, RowRole::kValidation));
  EXPECT_TRUE(Contains(pb::TRAIN_AND_VALIDATION_ROWS, RowRole::kValidation));
  EXPECT_FALSE(Contains(pb::TRAIN_AND_VALIDATION_ROWS, RowRole::kTest));
}

TEST(Utf8, AcceptsWellFormedAndRefusesTheRest) {
  for (const char* good : {"", "plain ascii text", "\xc3\xab", "\xe2\x82\xac",
                           "\xf0\x9f\x8e\xad", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(IsUtf8(good)) << good;
  for (const char* bad :
       {"\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "12345678\x80", "\xf0\x9f\x8e"})
    EXPECT_FALSE(IsUtf8(bad)) << bad;
}

}  // namespace
}  // namespace troupe
