#include "services/table/wire.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <utility>

#include "services/base/errors.h"
#include "services/table/column_builder.h"

namespace troupe {
namespace {

Table SmallTable() {
  ColumnBuilder flag(pb::BOOL);
  flag.AppendBool(true);
  flag.AppendNull();
  flag.AppendBool(false);
  ColumnBuilder count(pb::INT64);
  for (const int64_t value : {7, -1, 9}) count.AppendInt64(value);
  ColumnBuilder size(pb::FLOAT64);
  size.AppendDouble(1.5);
  size.AppendDouble(std::nan(""));
  size.AppendDouble(-0.0);
  ColumnBuilder name(pb::STRING);
  name.AppendText("Zo\xc3\xab");
  name.AppendText("");
  name.AppendNull();
  Table table;
  table.rows = 3;
  table.first_row = 40;
  table.schema = {{"flag", pb::BOOL, pb::FEATURE},
                  {"count", pb::INT64, pb::CARRY},
                  {"size", pb::FLOAT64, pb::TARGET},
                  {"name", pb::STRING, pb::FEATURE}};
  table.columns = {flag.Finish(), count.Finish(), size.Finish(), name.Finish()};
  const float values[] = {1, 2, 3, 4, 5, 6};
  table.features = DenseMatrix{
      3,
      pb::FLOAT32,
      {"a", "b"},
      std::string(reinterpret_cast<const char*>(values), sizeof(values))};
  return table;
}

// The small table as a message that a test may spoil.
pb::Table SmallProto() {
  pb::Table proto;
  proto.ParseFromString(SerializeTable(SmallTable()).value());
  return proto;
}

std::string Reason(const pb::Table& proto) {
  return ReasonOf(ParseTable(proto.SerializeAsString()).status());
}

// A message of a few bytes must not cost the memory of 2^27 rows.
TEST(TableWire, NoMoreRowsAreClaimedThanATableHas) {
  pb::Table proto;
  proto.set_rows(kMaxTableRows);
  EXPECT_EQ(Reason(proto), "");
  proto.set_rows(kMaxTableRows + 1);
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, ATooLargeTableIsAnErrorAndNotAnEmptyOne) {
  const size_t bytes = SerializeTable(SmallTable()).value().size();
  EXPECT_TRUE(SerializeTable(SmallTable(), bytes).ok());
  EXPECT_EQ(ReasonOf(SerializeTable(SmallTable(), bytes - 1).status()),
            "MESSAGE_TOO_LARGE");
}

TEST(TableWire, BringsBackEveryValue) {
  const auto parsed = ParseTable(SerializeTable(SmallTable()).value());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->schema, SmallTable().schema);
  EXPECT_EQ(parsed->Ordinal(2), 42);
  EXPECT_TRUE(parsed->columns[0].boolean(0));
  EXPECT_TRUE(parsed->columns[0].IsNull(1));
  EXPECT_EQ(parsed->columns[1].int64s()[1], -1);
  EXPECT_TRUE(parsed->columns[2].IsNull(1));
  EXPECT_TRUE(std::signbit(parsed->columns[2].doubles()[2]));
  EXPECT_EQ(parsed->columns[3].text(0), "Zo\xc3\xab");
  EXPECT_FALSE(parsed->columns[3].IsNull(1));
  EXPECT_TRUE(parsed->columns[3].IsNull(2));
  EXPECT_EQ(parsed->features->floats()[5], 6);
}

TEST(TableWire, TakesJsonInCarriedColumnsOnly) {
  pb::Table proto = SmallProto();
  proto.mutable_schema()->mutable_fields(3)->set_type(pb::JSON);
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
  proto.mutable_schema()->mutable_fields(3)->set_role(pb::CARRY);
  EXPECT_EQ(Reason(proto), "");
}

TEST(TableWire, RefusesTimesOutOfRange) {
  for (const int64_t micros : {int64_t{0}, INT64_MIN, INT64_MAX}) {
    ColumnBuilder time(pb::TIMESTAMP);
    time.AppendInt64(micros);
    Table table;
    table.rows = 1;
    table.schema = {{"t", pb::TIMESTAMP, pb::FEATURE}};
    table.columns = {time.Finish()};
    EXPECT_EQ(ReasonOf(ParseTable(SerializeTable(table).value()).status()),
              micros == 0 ? "" : "BAD_TABLE");
  }
}

TEST(TableWire, RefusesAJsonValueOfTwoLines) {
  ColumnBuilder token(pb::JSON);
  token.AppendText("[1,\n2]");
  Table table;
  table.rows = 1;
  table.schema = {{"c", pb::JSON, pb::CARRY}};
  table.columns = {token.Finish()};
  EXPECT_EQ(ReasonOf(ParseTable(SerializeTable(table).value()).status()),
            "BAD_TABLE");
}

TEST(TableWire, TreatsNaNInAValidSlotAsMissing) {
  pb::Table proto = SmallProto();
  proto.mutable_columns(2)->set_null_count(0);
  proto.mutable_columns(2)->clear_validity();
  const auto parsed = ParseTable(proto.SerializeAsString());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->columns[2].null_count(), 1);
  EXPECT_TRUE(parsed->columns[2].IsNull(1));
}

TEST(TableWire, RefusesRowsThatDoNotFitTheColumns) {
  pb::Table proto = SmallProto();
  proto.set_rows(4);
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
  proto.set_rows(-1);
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
  proto.set_rows(int64_t{1} << 62);
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, RefusesBooleansThatAreTooFewOrTooMany) {
  for (const char* const values : {"", "\1\1"}) {
    pb::Table proto = SmallProto();
    proto.mutable_columns(0)->set_values(values);
    EXPECT_EQ(Reason(proto), "BAD_TABLE") << proto.columns(0).values().size();
  }
}

TEST(TableWire, RefusesABitmapWithoutNulls) {
  pb::Table proto = SmallProto();
  proto.mutable_columns(1)->set_validity("\7");
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, RefusesARoleThatIsNone) {
  pb::Table proto = SmallProto();
  proto.mutable_schema()->mutable_fields(0)->set_role(
      static_cast<pb::ColumnRole>(99));
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, ReadsNoValueUnderANull) {
  pb::Table proto = SmallProto();
  const double values[] = {1.5, 123, -0.0};  // The second is null.
  proto.mutable_columns(2)->set_values(values, sizeof(values));
  const auto table = ParseTable(proto.SerializeAsString());
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_TRUE(std::isnan(table->columns[2].doubles()[1]));
  EXPECT_EQ(table->columns[2].doubles()[0], 1.5);
}

TEST(TableWire, RefusesANullCountThatContradictsTheBitmap) {
  pb::Table proto = SmallProto();
  proto.mutable_columns(0)->set_null_count(2);
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, RefusesAnIndexBeyondTheDictionary) {
  pb::Table proto = SmallProto();
  const int32_t codes[] = {0, 99, 0};
  proto.mutable_columns(3)->set_values(codes, sizeof(codes));
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, RefusesOffsetsThatFallOrCutACharacter) {
  pb::Table proto = SmallProto();
  const int32_t falling[] = {0, 5, 4};
  proto.mutable_columns(3)->set_offsets(falling, sizeof(falling));
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
  const int32_t cutting[] = {0, 3, 4};
  proto.mutable_columns(3)->set_offsets(cutting, sizeof(cutting));
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, RefusesTextThatIsNotUtf8) {
  pb::Table proto = SmallProto();
  proto.mutable_columns(3)->set_dictionary("Zo\xff\xff");
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, RefusesTwoColumnsOfOneName) {
  pb::Table proto = SmallProto();
  proto.mutable_schema()->mutable_fields(1)->set_name("flag");
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, RefusesAMatrixOfAnotherSize) {
  pb::Table proto = SmallProto();
  proto.mutable_features()->set_cols(int64_t{1} << 61);
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
  proto = SmallProto();
  proto.mutable_features()->add_names("c");
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
  proto = SmallProto();
  proto.mutable_features()->set_cols(3);  // Without a name for the third.
  proto.mutable_features()->mutable_values()->resize(36);
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
  proto = SmallProto();
  proto.mutable_features()->mutable_values()->pop_back();
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

TEST(TableWire, RefusesRowIdsThatDoNotRise) {
  pb::Table proto = SmallProto();
  const int64_t ids[] = {3, 3, 4};
  proto.set_row_ids(ids, sizeof(ids));
  EXPECT_EQ(Reason(proto), "BAD_TABLE");
}

// Whatever a flipped bit makes of a table, reading all of it is safe (run under
// AddressSanitizer to see it).
TEST(TableWire, SurvivesAnyFlippedByte) {
  const std::string good = SerializeTable(SmallTable()).value();
  std::mt19937 random(1);
  size_t read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto parsed = ParseTable(bytes);
    if (!parsed.ok()) continue;
    for (size_t c = 0; c < parsed->columns.size(); ++c) {
      const Column& column = parsed->columns[c];
      for (int64_t row = 0; row < parsed->rows; ++row)
        read += parsed->schema[c].type == pb::STRING
                    ? column.text(row).size()
                    : static_cast<size_t>(!std::isnan(column.AsDouble(row)));
    }
  }
  EXPECT_GT(read, 0U);
}

}  // namespace
}  // namespace troupe
