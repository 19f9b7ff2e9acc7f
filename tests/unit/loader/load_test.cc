// The promises of Load and ReadRecords.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/crc32c.h"
#include "services/table/row_split.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

pb::Schema SchemaOf(
    const std::vector<std::tuple<std::string, DataType, ColumnRole>>& fields) {
  pb::Schema schema;
  for (const auto& [name, type, role] : fields) {
    pb::Field& field = *schema.add_fields();
    field.set_name(name);
    field.set_type(type);
    field.set_role(role);
  }
  return schema;
}

// A loader and the request that loads `text`, all of it, as one split.
struct OneSplit {
  explicit OneSplit(const std::string& text, const pb::Schema& schema = {},
                    const std::string& name = "t.csv") {
    const pb::Source source = SourceAt(setup.folder.Write(name, text));
    const absl::StatusOr<pb::PlanResponse> plan =
        setup.Plan(PlanRequestFor(source));
    if (!plan.ok() || plan->splits_size() != 1) std::abort();
    request =
        LoadRequestFor(source, plan->splits(0), plan->schema(),
                       schema.fields_size() > 0 ? schema : plan->schema());
  }
  WholeInput Load() {
    WholeInput whole;
    const absl::StatusOr<pb::LoadResponse> response = setup.Load(request);
    if (!response.ok() || !AppendLoaded(*response, &whole).ok()) std::abort();
    return whole;
  }

  LoaderBelowFolder setup;
  pb::LoadRequest request;
};

std::string Numbers(int count) {
  std::string text = "n\n";
  for (int i = 0; i < count; ++i) absl::StrAppend(&text, i, "\n");
  return text;
}

TEST(Load, EveryOrdinalIsInTheTableOrRejected) {
  OneSplit split("a,b\n1,2\n1,2,3\n4\nx\xff,1\n5,6\n");
  const absl::StatusOr<pb::LoadResponse> response =
      split.setup.Load(split.request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->rows(), 3);
  EXPECT_THAT(RejectedOf(*response), SizeIs(2));
  EXPECT_EQ(response->wanted(), 5);
  EXPECT_THAT(split.Load().ordinals, ElementsAre(0, 2, 4));
}

TEST(Load, ColumnsComeInTheOrderOfTheSchemaWithItsRoles) {
  OneSplit split("a,b,c\n1,x,2\n", SchemaOf({{"c", pb::INT64, pb::TARGET},
                                             {"a", pb::STRING, pb::FEATURE}}));
  const absl::StatusOr<pb::LoadResponse> response =
      split.setup.Load(split.request);
  ASSERT_TRUE(response.ok()) << response.status();
  const absl::StatusOr<Table> table = ParseTable(response->table());
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->schema, (Schema{{"c", pb::INT64, pb::TARGET},
                                   {"a", pb::STRING, pb::FEATURE}}));
  EXPECT_EQ(Shown(table->columns[1], 0), "1");
}

TEST(Load, CarriesCsvFieldsAsTheyStoodThere) {
  OneSplit split(
      "c,x\n00123,1\n1.50,1\nTRUE,1\nNA,1\n,1\n\"a \"\"b\"\"\",1\n None "
      ",1\n\"NA\",oops\nA-17,1\n",
      SchemaOf({{"c", pb::INT64, pb::CARRY}, {"x", pb::INT64, pb::FEATURE}}));
  const WholeInput loaded = split.Load();
  std::vector<std::string> carried;
  for (const auto& row : loaded.rows) carried.push_back(row[0]);
  EXPECT_THAT(carried, ElementsAre("00123", "1.50", "TRUE", "NA", "", "a \"b\"",
                                   " None ", "A-17"));
  EXPECT_THAT(loaded.rejected, SizeIs(1));  // "oops" is no feature.
}

TEST(Load, CarriesNothingWhereTheRecordEndedBefore) {
  OneSplit split("x,c\n1,\n2\n", SchemaOf({{"x", pb::INT64, pb::FEATURE},
                                           {"c", pb::STRING, pb::CARRY}}));
  EXPECT_THAT(split.Load().rows,
              ElementsAre(ElementsAre("1", ""), ElementsAre("2", "<missing>")));
}

TEST(Load, CarriesJsonTokensAsTheyStoodThere) {
  OneSplit split(
      "{\"c\": 1.50 , \"x\": 1}\n{\"c\": true, \"x\": "
      "1}\n{\"c\":null,\"x\":1}\n"
      "{\"x\": 1}\n{\"c\": \"caf\\u00e9\" , \"x\": 1}\n"
      "{\"c\": {\"d\" : [1, \"}\"]} , \"x\": 1}\n{\"c\": [ ], \"x\": 1}\n",
      SchemaOf({{"c", pb::STRING, pb::CARRY}, {"x", pb::INT64, pb::FEATURE}}),
      "t.jsonl");
  const WholeInput loaded = split.Load();
  std::vector<std::string> carried;
  for (const auto& row : loaded.rows) carried.push_back(row[0]);
  EXPECT_THAT(carried,
              ElementsAre("1.50", "true", "null", "<missing>", "\"caf\\u00e9\"",
                          "{\"d\" : [1, \"}\"]}", "[ ]"));
}

TEST(Load, CarriesNoBrokenJson) {
  OneSplit split(
      "{\"x\": 1, \"c\": 1}\n{\"x\": 1, \"c\": {\"d\": tru}}\n"
      "{\"x\": 1, \"c\": [1,]}\n{\"x\": 1, \"c\": \"\\q\"}\n",
      SchemaOf({{"c", pb::STRING, pb::CARRY}, {"x", pb::INT64, pb::FEATURE}}),
      "t.jsonl");
  EXPECT_THAT(split.Load().ordinals, ElementsAre(0));
}

TEST(Load, GivesTheTextOfTheTargetBesideIt) {
  OneSplit split("x,y\n1,01\n2,1.0\n3,\n",
                 SchemaOf({{"y", pb::FLOAT64, pb::TARGET},
                           {"y as written", pb::STRING, pb::TARGET_TEXT}}));
  EXPECT_THAT(split.Load().rows,
              ElementsAre(ElementsAre("1", "01"), ElementsAre("1", "1.0"),
                          ElementsAre("<missing>", "<missing>")));
}

TEST(Load, ReadsTimesAndRejectsWhatIsNone) {
  OneSplit split(
      "d,t,f\n2024-02-29,2024-02-29T01:00+01:00,29/02/2024\n"
      "2023-02-29,2024-01-01,01/01/2024\n,,\n2024-01-01,x,01/01/2024\n"
      "2024-01-01,2024-01-01 00:00:01.5,1970-01-01\n",
      SchemaOf({{"d", pb::DATE, pb::FEATURE},
                {"t", pb::TIMESTAMP, pb::FEATURE},
                {"f", pb::DATE, pb::FEATURE}}));
  pb::Source& source = *split.request.mutable_source();
  (*source.mutable_types())["f"] = pb::DATE;
  (*source.mutable_time_formats())["f"] = "%d/%m/%Y";
  const absl::StatusOr<pb::LoadResponse> response =
      split.setup.Load(split.request);
  ASSERT_TRUE(response.ok()) << response.status();
  const absl::StatusOr<Table> table = ParseTable(response->table());
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->rows, 2);
  EXPECT_EQ(table->columns[0].int64s()[0], 19782);
  EXPECT_EQ(table->columns[1].int64s()[0], 19782 * kMicrosPerDay);
  EXPECT_EQ(table->columns[2].int64s()[0], 19782);
  EXPECT_TRUE(table->columns[2].IsNull(1));
  EXPECT_THAT(RejectedOf(*response), SizeIs(3));
}

TEST(Load, AGroupMustNameEveryColumn) {
  OneSplit split(
      "{\"a\":1,\"b\":2}\n{\"a\":3}\n{\"b\":null}\n{\"a\":5}\n{\"b\":[]}\n"
      "nonsense\n{}\n",
      SchemaOf({{"a", pb::INT64, pb::FEATURE}, {"b", pb::INT64, pb::FEATURE}}),
      "t.jsonl");
  for (const int64_t rows : {1, 2, 2, 1, 1}) split.request.add_groups(rows);
  const absl::StatusOr<pb::LoadResponse> response =
      split.setup.Load(split.request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(split.Load().ordinals, ElementsAre(0, 1, 2, 3));
  const auto rejected = RejectedOf(*response);
  ASSERT_THAT(rejected, SizeIs(3));
  EXPECT_EQ(rejected[0].reason(),
            "BAD_ROW");  // Row 4, whose neighbour is good.
  EXPECT_EQ(rejected[1].reason(), "BAD_ROW");
  EXPECT_EQ(rejected[2].reason(), "MISSING_COLUMN");
  EXPECT_THAT(rejected[2].message(),
              HasSubstr("columns \"a\", \"b\" are missing"));
}

TEST(Load, AGroupWithoutAColumnIsRejectedWhole) {
  OneSplit split("{\"a\":1,\"b\":2}\n{\"a\":3}\n{\"a\":4}\n{\"b\":5}\n",
                 SchemaOf({{"b", pb::INT64, pb::FEATURE}}), "t.jsonl");
  for (const int64_t rows : {1, 2, 1}) split.request.add_groups(rows);
  const absl::StatusOr<pb::LoadResponse> response =
      split.setup.Load(split.request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(split.Load().ordinals, ElementsAre(0, 3));
  EXPECT_EQ(response->rows(), 2);
  EXPECT_EQ(response->wanted(), 4);
  EXPECT_THAT(RejectedOf(*response), SizeIs(2));
}

TEST(Load, RefusesGroupsThatDoNotDivideTheRows) {
  for (const std::vector<int64_t>& groups : std::vector<std::vector<int64_t>>{
           {1}, {1, 2}, {0, 2}, {2, 0}, {-1, 3}, {INT64_MAX, INT64_MAX}}) {
    OneSplit split("{\"a\":1}\n{\"a\":2}\n", {}, "t.jsonl");
    split.request.mutable_groups()->Add(groups.begin(), groups.end());
    EXPECT_EQ(ReasonOf(split.setup.Load(split.request).status()),
              "BAD_MESSAGE");
  }
  OneSplit csv("a\n1\n");
  csv.request.add_groups(1);
  EXPECT_EQ(ReasonOf(csv.setup.Load(csv.request).status()), "BAD_MESSAGE");
}

TEST(Load, RowsOfOneRoleAreThoseOfTheSharedHash) {
  OneSplit split(Numbers(200));
  split.request.mutable_row_split()->set_test(0.3);
  split.request.mutable_row_split()->set_validation(0.2);
  split.request.mutable_row_split()->set_seed(7);
  split.request.set_row_set(pb::VALIDATION_ROWS);
  const WholeInput loaded = split.Load();
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < 200; ++i)
    if (RoleOfRow(split.request.row_split(), i) == RowRole::kValidation)
      expected.push_back(i);
  EXPECT_EQ(loaded.ordinals, expected);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(loaded.rows[i][0], absl::StrCat(expected[i]));
}

TEST(Load, RowSetsPartTheSplit) {
  OneSplit split(Numbers(200));
  split.request.mutable_row_split()->set_test(0.3);
  split.request.mutable_row_split()->set_validation(0.2);
  size_t rows = 0;
  for (const pb::RowSet set :
       {pb::TRAIN_ROWS, pb::TEST_ROWS, pb::VALIDATION_ROWS}) {
    split.request.set_row_set(set);
    rows += split.Load().rows.size();
  }
  EXPECT_EQ(rows, 200U);
}

TEST(Load, RangesOfRowsPartTheSplit) {
  OneSplit split("a,b\n0,0\n1,1,1\n2\n3,3\n4,4\n");
  WholeInput parts;
  std::vector<int64_t> wanted;
  for (const auto& [begin, end] : {std::pair(0, 2), {2, 2}, {2, 5}}) {
    split.request.mutable_rows()->set_begin(begin);
    split.request.mutable_rows()->set_end(end);
    const absl::StatusOr<pb::LoadResponse> response =
        split.setup.Load(split.request);
    ASSERT_TRUE(response.ok()) << response.status();
    wanted.push_back(response->wanted());
    ASSERT_TRUE(AppendLoaded(*response, &parts).ok());
  }
  split.request.clear_rows();
  const WholeInput whole = split.Load();
  EXPECT_THAT(wanted, ElementsAre(2, 0, 3));
  EXPECT_EQ(parts.rows, whole.rows);
  EXPECT_EQ(parts.ordinals, whole.ordinals);
  EXPECT_EQ(parts.rejected, whole.rejected);
}

TEST(Load, RefusesARangeThatTheSplitDoesNotHave) {
  OneSplit split(Numbers(5));
  for (const auto& [begin, end] :
       {std::pair(int64_t{-1}, int64_t{2}), {3, 2}, {0, 6}, {-2, INT64_MAX}}) {
    split.request.mutable_rows()->set_begin(begin);
    split.request.mutable_rows()->set_end(end);
    EXPECT_THAT(Failure(split.setup.Load(split.request)),
                HasSubstr("of a split of 5"));
  }
}

TEST(Load, RowsThatAreNotWantedAreNotRejectedEither) {
  OneSplit split("a,b\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n");
  split.request.mutable_row_split()->set_test(0.5);
  split.request.set_row_set(pb::TEST_ROWS);
  const absl::StatusOr<pb::LoadResponse> response =
      split.setup.Load(split.request);
  ASSERT_TRUE(response.ok());
  EXPECT_THAT(RejectedOf(*response), SizeIs(response->wanted()));
  EXPECT_LT(response->wanted(), 4);
}

TEST(Load, ACellThatDoesNotFitRejectsItsRow) {
  OneSplit split(
      "i,f,b,s\n1,1,true,x\nq,1,true,x\n1,q,true,x\n1,1,q,x\n2,2,false,y\n",
      SchemaOf({{"i", pb::INT64, pb::FEATURE},
                {"f", pb::FLOAT64, pb::FEATURE},
                {"b", pb::BOOL, pb::FEATURE},
                {"s", pb::STRING, pb::FEATURE}}));
  const WholeInput loaded = split.Load();
  EXPECT_THAT(loaded.rows, ElementsAre(ElementsAre("1", "1", "true", "x"),
                                       ElementsAre("2", "2", "false", "y")));
  EXPECT_THAT(
      loaded.rejected,
      ElementsAre(
          "1 TYPE_MISMATCH t.csv:3:1: column \"i\": \"q\" is not of type int64",
          "2 TYPE_MISMATCH t.csv:4:3: column \"f\": \"q\" is not of type "
          "float64",
          "3 TYPE_MISMATCH t.csv:5:5: column \"b\": \"q\" is not of type "
          "bool"));
}

TEST(Load, PlacesAreThoseOfTheFileAlsoAfterQuotedNewlines) {
  OneSplit split("a,b\n\"1\n2\",3\n\n\"x\ny\",zz,1\n");
  EXPECT_THAT(split.Load().rejected,
              ElementsAre("1 BAD_ROW t.csv:6:7: expected 2 fields, saw 3"));
}

TEST(Load, ALineEndOfTwoCharactersIsOneLine) {
  OneSplit split("a,b\r\n\"x\r\ny\",zz,1\r\n");
  EXPECT_THAT(split.Load().rejected,
              ElementsAre("0 BAD_ROW t.csv:3:7: expected 2 fields, saw 3"));
}

TEST(Load, LongValuesAreShownInPart) {
  OneSplit split("a\n" + std::string(63, 'x') + "\xc3\xa9\n",
                 SchemaOf({{"a", pb::INT64, pb::FEATURE}}));
  EXPECT_THAT(split.Load().rejected,
              ElementsAre("0 TYPE_MISMATCH t.csv:2:1: column \"a\": \"" +
                          std::string(63, 'x') + "\"... is not of type int64"));
}

TEST(Load, Int64TakesWholeFractionsAndNoOthers) {
  OneSplit split("a\n3.0\n1e3\n-2.\n3.5\n1e19\ninf\n",
                 SchemaOf({{"a", pb::INT64, pb::FEATURE}}));
  const WholeInput loaded = split.Load();
  EXPECT_THAT(loaded.rows, ElementsAre(ElementsAre("3"), ElementsAre("1000"),
                                       ElementsAre("-2")));
  EXPECT_THAT(loaded.rejected, SizeIs(3));
}

TEST(Load, AMissingTargetIsRejectedOnlyWhereItIsRequired) {
  OneSplit split(
      "a,y\n1,0\n2,NA\n3\n",
      SchemaOf({{"a", pb::INT64, pb::FEATURE}, {"y", pb::INT64, pb::TARGET}}));
  EXPECT_THAT(split.Load().rows, SizeIs(3));
  split.request.set_target_required(true);
  EXPECT_THAT(split.Load().rejected,
              ElementsAre("1 MISSING_TARGET t.csv:3:3: column \"y\": the "
                          "target is missing",
                          "2 MISSING_TARGET t.csv:4:2: column \"y\": the "
                          "target is missing"));
}

TEST(Load, AWeightMustBeAFiniteNumberFromZeroOn) {
  OneSplit split(
      "a,w\n1,0\n2,-1\n3,inf\n4,\n5,x\n6,2\n",
      SchemaOf({{"a", pb::INT64, pb::FEATURE}, {"w", pb::STRING, pb::WEIGHT}}));
  split.request.set_target_required(true);
  const WholeInput loaded = split.Load();
  EXPECT_THAT(loaded.ordinals, ElementsAre(0, 5));
  EXPECT_THAT(loaded.rejected[0],
              HasSubstr("1 BAD_WEIGHT t.csv:3:3: column \"w\": \"-1\""));
}

TEST(Load, BytesPerRowBoundTheTable) {
  OneSplit split("a,b\n1,short\n2,a much longer text than the others\n");
  const absl::StatusOr<pb::LoadResponse> response =
      split.setup.Load(split.request);
  ASSERT_TRUE(response.ok());
  EXPECT_GE(response->bytes_per_row(), 8 + 4 + 35);
  EXPECT_LE(response->bytes_per_row(), 8 + 4 + 35 + 8);
}

TEST(Load, AnUnknownColumnIsAnError) {
  OneSplit split("age\n1\n", SchemaOf({{"aeg", pb::INT64, pb::FEATURE}}));
  EXPECT_THAT(
      Failure(split.setup.Load(split.request)),
      testing::AllOf(HasSubstr("UNKNOWN_COLUMN"), HasSubstr("\"age\"")));
}

TEST(Load, ATextThatIsNotThePlannedOneIsNoticed) {
  OneSplit split("a\n1\n2\n");
  split.request.mutable_split()->set_crc32c(1);
  EXPECT_EQ(Failure(split.setup.Load(split.request)),
            "INPUT_CHANGED: \"t.csv\" changed while it was read");
}

TEST(Load, AChangedFileIsNoticedBeforeItIsRead) {
  OneSplit split("a\n1\n2\n");
  split.setup.folder.Write("t.csv", "a\n1\n2\n3\n");
  EXPECT_THAT(Failure(split.setup.Load(split.request)),
              HasSubstr("INPUT_CHANGED"));
}

TEST(Load, AnImpossibleSplitIsRefused) {
  OneSplit split("a\n1\n2\n");
  const pb::LoadRequest good = split.request;
  const auto refused = [&](auto change) {
    split.request = good;
    change(*split.request.mutable_split());
    return Failure(split.setup.Load(split.request));
  };
  const auto is_bad = HasSubstr("BAD_MESSAGE");
  EXPECT_THAT(refused([](pb::Split& s) { s.set_bytes(-1); }), is_bad);
  EXPECT_THAT(refused([](pb::Split& s) { s.set_bytes(1LL << 40); }), is_bad);
  EXPECT_THAT(refused([](pb::Split& s) { s.set_rows(1); }), is_bad);
  EXPECT_THAT(refused([](pb::Split& s) { s.set_rows(3); }), is_bad);
  EXPECT_THAT(refused([](pb::Split& s) { s.set_offset(-5); }), is_bad);
  EXPECT_THAT(refused([](pb::Split& s) { s.set_first_row(INT64_MAX); }),
              is_bad);
}

// A field takes a few bytes, and a builder of a column in memory; many may be
// the text of one target.
TEST(Load, MoreFieldsThanColumnsAreRefused) {
  OneSplit split("a\n1\n2\n");
  split.request.mutable_schema()->mutable_fields(0)->set_role(pb::TARGET);
  for (int i = 0; i <= 10'000; ++i) {
    pb::Field& field = *split.request.mutable_schema()->add_fields();
    field.set_name(absl::StrCat("text ", i));
    field.set_type(pb::STRING);
    field.set_role(pb::TARGET_TEXT);
  }
  EXPECT_THAT(Failure(split.setup.Load(split.request)),
              HasSubstr("BAD_MESSAGE"));
}

// A short row under many columns has cells that take no byte of its text.
TEST(Load, MoreCellsThanATableMayHaveAreRefused) {
  std::string header = "c0";
  for (int i = 1; i < 2000; ++i) absl::StrAppend(&header, ",c", i);
  std::string rows;
  for (int i = 0; i < 65'000; ++i) rows += "1\n";
  OneSplit split(header + "\n" + rows);
  EXPECT_THAT(Failure(split.setup.Load(split.request)),
              HasSubstr("65000 rows of 2000 columns"));
  split.request.mutable_rows()->set_begin(1000);
  split.request.mutable_rows()->set_end(61'000);
  EXPECT_THAT(Failure(split.setup.Load(split.request)),
              HasSubstr("60000 rows of 2000 columns"));
  split.request.mutable_rows()->set_end(1010);
  EXPECT_EQ(Failure(split.setup.Load(split.request)), "OK");
}

TEST(Load, InlineTextMustBeTheSplits) {
  OneSplit split("a\n1\n2\n");
  split.request.mutable_inline_text()->set_text("1\n2\n");
  split.request.mutable_inline_text()->set_name("up.csv");
  EXPECT_TRUE(split.setup.Load(split.request).ok());
  split.request.mutable_inline_text()->set_text("1\n3\n");
  EXPECT_THAT(Failure(split.setup.Load(split.request)),
              HasSubstr("INPUT_CHANGED"));
}

TEST(Load, StopsWhenNobodyWaits) {
  OneSplit split(Numbers(10));
  const auto token = std::make_shared<CancelToken>();
  token->Cancel();
  const Context context({}, token);
  EXPECT_THAT(Failure(split.setup.loader->Load(split.request, context)),
              HasSubstr("CALLER_LEFT"));
}

TEST(ReadRecords, GivesTheOriginalTextAndLine) {
  OneSplit split("a,b\n1,2\n\"x\n\",\"\"\"q\"\r\n\nbad\xff,1,2\n4,5\n");
  pb::ReadRecordsRequest request;
  *request.mutable_source() = split.request.source();
  *request.mutable_split() = split.request.split();
  request.add_rows(1);
  request.add_rows(2);
  const absl::StatusOr<pb::ReadRecordsResponse> response =
      split.setup.loader->ReadRecords(request, NoContext());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->records(),
              ElementsAre("\"x\n\",\"\"\"q\"", "bad\xef\xbf\xbd,1,2"));
  EXPECT_THAT(response->lines(), ElementsAre(3, 6));
}

TEST(ReadRecords, RowsOutsideTheSplitAreRefused) {
  OneSplit split("a\n1\n2\n");
  pb::ReadRecordsRequest request;
  *request.mutable_source() = split.request.source();
  *request.mutable_split() = split.request.split();
  request.add_rows(2);
  EXPECT_THAT(Failure(split.setup.loader->ReadRecords(request, NoContext())),
              HasSubstr("BAD_MESSAGE"));
}

}  // namespace
}  // namespace troupe::loader
