#include "services/table/concat.h"

#include <cmath>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/table/column_builder.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

// 20 rows with every column type, nulls, and a matrix; ordinals from 100.
Table AllTypes() {
  Table table;
  table.rows = 20;
  table.first_row = 100;
  table.schema = {{"b", pb::BOOL, pb::FEATURE},
                  {"i", pb::INT64, pb::CARRY},
                  {"d", pb::FLOAT64, pb::FEATURE},
                  {"few", pb::STRING, pb::FEATURE},
                  {"many", pb::STRING, pb::FEATURE}};
  for (const Field& field : table.schema) {
    ColumnBuilder builder(field.type);
    for (int64_t i = 0; i < table.rows; ++i) {
      if (i % 7 == 3)
        builder.AppendNull();
      else if (field.type == pb::BOOL)
        builder.AppendBool(i % 3 == 0);
      else if (field.type == pb::INT64)
        builder.AppendInt64((int64_t{1} << 60) + i);
      else if (field.type == pb::FLOAT64)
        builder.AppendDouble(0.1 * static_cast<double>(i));
      else if (field.name == "few")
        builder.AppendText(i % 2 == 0 ? "even and long" : "odd and long");
      else
        builder.AppendText("text " + std::to_string(i));
    }
    table.columns.push_back(builder.Finish());
  }
  DenseMatrix matrix;
  matrix.rows = table.rows;
  matrix.names = {"x", "y"};
  for (int64_t i = 0; i < 2 * table.rows; ++i) {
    const float value = i == 5 ? NAN : static_cast<float>(i);
    matrix.values.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  table.features = std::move(matrix);
  return table;
}

void ExpectSame(const Table& got, const Table& wanted) {
  ASSERT_EQ(got.rows, wanted.rows);
  ASSERT_EQ(got.schema, wanted.schema);
  EXPECT_EQ(got.features->rows, wanted.features->rows);
  EXPECT_EQ(got.features->names, wanted.features->names);
  EXPECT_EQ(got.features->values, wanted.features->values);
  for (int64_t row = 0; row < got.rows; ++row) {
    EXPECT_EQ(got.Ordinal(row), wanted.Ordinal(row));
    for (size_t i = 0; i < got.columns.size(); ++i) {
      const Column& a = got.columns[i];
      const Column& b = wanted.columns[i];
      ASSERT_EQ(a.IsNull(row), b.IsNull(row)) << i << " " << row;
      if (a.IsNull(row)) continue;
      if (a.type() == pb::STRING)
        EXPECT_EQ(a.text(row), b.text(row));
      else if (a.type() == pb::INT64)
        EXPECT_EQ(a.int64s()[static_cast<size_t>(row)],
                  b.int64s()[static_cast<size_t>(row)]);
      else
        EXPECT_EQ(a.AsDouble(row), b.AsDouble(row));
    }
  }
}

TEST(ConcatTables, JoinsWhatWasCut) {
  const Table whole = AllTypes();
  const auto joined =
      ConcatTables({whole.Slice(0, 3), whole.Slice(3, 3), whole.Slice(3, 20)});
  ASSERT_TRUE(joined.ok()) << joined.status();
  ExpectSame(*joined, whole);
  EXPECT_TRUE(joined->row_ids.empty());
  EXPECT_TRUE(ParseTable(SerializeTable(*joined).value()).ok());
}

TEST(ConcatTables, KeepsOrdinalsWithGaps) {
  const Table whole = AllTypes();
  const auto joined = ConcatTables(
      {whole.Slice(0, 3), whole.Select({5, 9}), whole.Slice(15, 20)});
  ASSERT_TRUE(joined.ok()) << joined.status();
  ExpectSame(*joined, whole.Select({0, 1, 2, 5, 9, 15, 16, 17, 18, 19}));
}

TEST(ConcatTables, RefusesWhatDoesNotFit) {
  const Table whole = AllTypes();
  Table renamed = whole.Slice(10, 20);
  renamed.schema[0].name = "other";
  Table bare = whole.Slice(10, 20);
  bare.features.reset();
  Table matrix = whole.Slice(10, 20);
  matrix.features->names[1] = "z";
  const Table first = whole.Slice(0, 10);
  for (const Table& second : {renamed, bare, matrix, whole.Slice(9, 20)})
    EXPECT_EQ(ReasonOf(ConcatTables({first, second}).status()), "BAD_TABLE");
  EXPECT_EQ(ReasonOf(ConcatTables({}).status()), "BAD_TABLE");
}

// 2,200 rows of one text of 1 MB.
TEST(ConcatTables, RefusesTextThatOffsetsCannotCount) {
  constexpr int64_t kRows = 2'200;
  const int32_t offsets[] = {0, 1 << 20};
  Table table;
  table.rows = kRows;
  table.schema = {{"t", pb::STRING, pb::FEATURE}};
  table.columns = {Column::FromBuffers(
      pb::STRING, kRows, 0, "",
      std::string(reinterpret_cast<const char*>(offsets), sizeof(offsets)),
      std::string(kRows * sizeof(int32_t), '\0'), std::string(1 << 20, 'x'),
      true)};
  const auto joined = ConcatTables({table});
  EXPECT_EQ(ReasonOf(joined.status()), "BAD_TABLE");
}

}  // namespace
}  // namespace troupe
