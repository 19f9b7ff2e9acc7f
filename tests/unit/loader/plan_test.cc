// The promises of Plan: true record boundaries, pages, counts, cursors.
#include <google/protobuf/stubs/logging.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/crc32c.h"
#include "services/host/sha256.h"
#include "tests/unit/loader/loader_test_input.h"
#include "troupe/v1/plan_cursor.pb.h"

namespace troupe::loader {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ManyRows(int rows) {
  std::string text = "id,note\n";
  for (int i = 0; i < rows; ++i)
    absl::StrAppend(&text, i, i % 3 == 0 ? ",\"a\nb,\"\"c\"\n" : ",x\r\n",
                    i % 5 == 0 ? "\n" : "");
  return text;
}

TEST(Plan, CutsShortRowsBySplitsOfNotTooMany) {
  LoaderBelowFolder setup;
  std::string text = "a\n";
  for (int i = 0; i < 70'000; ++i) text += "1\n";
  const auto plan =
      PlanAll(*setup.loader,
              PlanRequestFor(SourceAt(setup.folder.Write("t.csv", text))));
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->splits.size(), 2U);
  EXPECT_EQ(plan->splits[0].rows(), 65'536);
  EXPECT_EQ(plan->splits[1].rows(), 70'000 - 65'536);
}

TEST(Plan, SplitsCoverEveryRowOnceInOrder) {
  LoaderBelowFolder setup;
  const pb::Source source =
      SourceAt(setup.folder.Write("t.csv", ManyRows(500)));
  const absl::StatusOr<WholePlan> plan =
      PlanAll(*setup.loader, PlanRequestFor(source, 50));
  ASSERT_TRUE(plan.ok()) << plan.status();
  int64_t rows = 0;
  int64_t end = 0;
  for (size_t i = 0; i < plan->splits.size(); ++i) {
    const pb::Split& split = plan->splits[i];
    EXPECT_EQ(split.number(), static_cast<int64_t>(i));
    EXPECT_EQ(split.first_row(), rows);
    EXPECT_GE(split.offset(), end);
    EXPECT_LE(split.bytes(), 50);
    rows += split.rows();
    end = split.offset() + split.bytes();
  }
  EXPECT_EQ(rows, 500);
  EXPECT_EQ(plan->last.rows(), 500);
}

TEST(Plan, APageHoldsAtMost64Splits) {
  LoaderBelowFolder setup;
  const pb::Source source =
      SourceAt(setup.folder.Write("t.csv", ManyRows(500)));
  const absl::StatusOr<pb::PlanResponse> page =
      setup.Plan(PlanRequestFor(source, 10));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->splits_size(), 64);
  EXPECT_FALSE(page->next_cursor().empty());
}

TEST(Plan, TheSizeOfPagesChangesNoSplit) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", ManyRows(500))), 50);
  const absl::StatusOr<WholePlan> whole = PlanAll(*setup.loader, request);
  ASSERT_TRUE(whole.ok()) << whole.status();
  request.set_max_splits(3);
  EXPECT_EQ(setup.Plan(request)->splits_size(), 3);
  const absl::StatusOr<WholePlan> paged = PlanAll(*setup.loader, request);
  ASSERT_TRUE(paged.ok()) << paged.status();
  ASSERT_EQ(paged->splits.size(), whole->splits.size());
  for (size_t i = 0; i < whole->splits.size(); ++i)
    EXPECT_EQ(paged->splits[i].SerializeAsString(),
              whole->splits[i].SerializeAsString());
  EXPECT_EQ(paged->digests[0].sha256(), whole->digests[0].sha256());
}

TEST(Plan, APageOfTooManySplitsIsRefused) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", "a\n1\n")), 50);
  for (const int wrong : {-1, 65}) {
    request.set_max_splits(wrong);
    EXPECT_THAT(setup.Plan(request).status().message(),
                HasSubstr("max_splits"));
  }
}

TEST(Plan, ASplitKnowsItsTextAndItsFirstLine) {
  LoaderBelowFolder setup;
  const std::string text = "a\n\n\"1\n2\"\n\n3\n";
  const pb::Source source = SourceAt(setup.folder.Write("t.csv", text));
  const absl::StatusOr<WholePlan> plan =
      PlanAll(*setup.loader, PlanRequestFor(source, 1));
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->splits.size(), 2U);
  EXPECT_EQ(plan->splits[0].offset(), 3);
  EXPECT_EQ(plan->splits[0].bytes(), 6);
  EXPECT_EQ(plan->splits[0].first_line(), 3);
  EXPECT_EQ(plan->splits[0].crc32c(), Crc32c("\"1\n2\"\n"));
  EXPECT_EQ(plan->splits[1].first_line(), 6);
}

TEST(Plan, SmallSplitsReadTheSameAsOne) {
  LoaderBelowFolder setup;
  const pb::Source source =
      SourceAt(setup.folder.Write("t.csv", ManyRows(300)));
  const absl::StatusOr<WholeInput> whole = ReadAll(*setup.loader, source);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->splits, 1U);
  for (const int64_t bytes : {1, 7, 64, 1000}) {
    const absl::StatusOr<WholeInput> parts =
        ReadAll(*setup.loader, source, bytes);
    ASSERT_TRUE(parts.ok()) << parts.status();
    EXPECT_EQ(parts->rows, whole->rows) << bytes;
    EXPECT_EQ(parts->ordinals, whole->ordinals) << bytes;
    EXPECT_EQ(parts->types, whole->types) << bytes;
  }
}

TEST(Plan, CountsMissingValuesPerColumn) {
  LoaderBelowFolder setup;
  const pb::Source source =
      SourceAt(setup.folder.Write("t.csv", "a,b\n1,\nNA,\n3\n4,x\n1,2,3\n"));
  const absl::StatusOr<pb::PlanResponse> page =
      setup.Plan(PlanRequestFor(source));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->rows(), 5);
  EXPECT_THAT(page->missing(), ElementsAre(1, 3));
}

TEST(Plan, TheTotalOfPlainFilesIsExactFromTheFirstPage) {
  LoaderBelowFolder setup;
  const std::string text = ManyRows(500);
  const pb::Source source = SourceAt(setup.folder.Write("t.csv", text));
  const absl::StatusOr<pb::PlanResponse> page =
      setup.Plan(PlanRequestFor(source, 10));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->total_bytes(), static_cast<int64_t>(text.size()));
  const absl::StatusOr<WholePlan> plan =
      PlanAll(*setup.loader, PlanRequestFor(source, 10));
  EXPECT_EQ(plan->last.planned_bytes(), static_cast<int64_t>(text.size()));
}

TEST(Plan, StopsAfterMaxRows) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", ManyRows(500))), 100);
  request.set_max_rows(20);
  const absl::StatusOr<WholePlan> plan = PlanAll(*setup.loader, request);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->last.rows(), 20);
}

TEST(Plan, FilesOfAPatternAreOneTableInSortedOrder) {
  LoaderBelowFolder setup;
  setup.folder.Write("d/b.csv", "x,y\n3,4\n");
  setup.folder.Write("d/a.csv", "x,y\n1,2");
  setup.folder.Write("d/.hidden.csv", "z\n9\n");
  setup.folder.Write("d/c.txt", "z\n9\n");
  const absl::StatusOr<WholeInput> input =
      ReadAll(*setup.loader, SourceAt("d/*.csv"));
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->rows,
              ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4")));
  EXPECT_THAT(input->ordinals, ElementsAre(0, 1));
}

TEST(Plan, FilesOfAPatternMustHaveTheSameColumns) {
  LoaderBelowFolder setup;
  setup.folder.Write("a.csv", "x,y\n1,2\n");
  setup.folder.Write("b.csv", "y,x\n1,2\n");
  EXPECT_EQ(Failure(ReadAll(*setup.loader, SourceAt("?.csv"))),
            "BAD_INPUT: b.csv:1: column 1 is \"y\", but \"x\" in \"a.csv\"");
}

TEST(Plan, DeclaredTypesWin) {
  LoaderBelowFolder setup;
  pb::Source source = SourceAt(setup.folder.Write("t.csv", "zip,n\n01234,1\n"));
  (*source.mutable_types())["zip"] = pb::STRING;
  (*source.mutable_types())["n"] = pb::FLOAT64;
  const absl::StatusOr<WholeInput> input = ReadAll(*setup.loader, source);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->types, ElementsAre("string", "float64"));
  EXPECT_EQ(input->rows[0][0], "01234");
}

TEST(Plan, InfersTimesFromIso8601Only) {
  const absl::StatusOr<WholeInput> input = ReadText(
      "day,naive,offset,both,either,other,gaps\n"
      "2024-02-29,2024-01-01T10:00,2024-01-01T10:00Z,2024-01-01,"
      "2024-01-01T10:00Z,01/02/2024,\n"
      "1969-12-31,2024-01-01 10:00:00.5,2024-01-01T12:00+02:00,"
      "2024-01-01 00:01,2024-01-01T10:00,2024-01-01,2024-01-01\n");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->types,
              ElementsAre("date", "timestamp", "timestamp", "timestamp",
                          "string", "string", "date"));
  EXPECT_THAT(input->rows[1],
              ElementsAre("1969-12-31", "2024-01-01 10:00:00.500000",
                          "2024-01-01 10:00:00", "2024-01-01 00:01:00",
                          "2024-01-01T10:00", "2024-01-01", "2024-01-01"));
}

// Each value by itself, so that no split depends on the rows of another.
TEST(Plan, ADeclaredTimestampTakesTimesWithAndWithoutOffset) {
  LoaderBelowFolder setup;
  pb::Source source = SourceAt(setup.folder.Write(
      "t.csv", "t\n2024-01-01T10:00+02:00\n2024-01-01T10:00\n2024-01-01\n"));
  (*source.mutable_types())["t"] = pb::TIMESTAMP;
  for (const int64_t split_bytes : {1, 1000}) {
    const absl::StatusOr<WholeInput> input =
        ReadAll(*setup.loader, source, split_bytes);
    ASSERT_TRUE(input.ok()) << input.status();
    EXPECT_THAT(input->rows, ElementsAre(ElementsAre("2024-01-01 08:00:00"),
                                         ElementsAre("2024-01-01 10:00:00"),
                                         ElementsAre("2024-01-01 00:00:00")));
    EXPECT_THAT(input->rejected, testing::IsEmpty());
  }
}

TEST(Plan, ATimeBesideANumberOrABoolIsText) {
  const absl::StatusOr<WholeInput> input =
      ReadText("a,b\n2024-01-01,2024-01-01\n7,true\n");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->types, ElementsAre("string", "string"));
}

TEST(Plan, AFormatNeedsATypeAndMustBeOne) {
  LoaderBelowFolder setup;
  pb::Source source = SourceAt(setup.folder.Write("t.csv", "a\n1.1.2024\n"));
  (*source.mutable_time_formats())["a"] = "%d.%m.%Y";
  const auto message = [&] {
    return std::string(setup.Plan(PlanRequestFor(source)).status().message());
  };
  EXPECT_THAT(message(), HasSubstr("say date or timestamp, too"));
  (*source.mutable_types())["a"] = pb::DATE;
  EXPECT_EQ(message(), "");
  (*source.mutable_time_formats())["a"] = "%d.%m.%Q";
  EXPECT_THAT(message(), HasSubstr("source.types.a: the format \"%Q\""));
}

TEST(Plan, ADeclaredColumnMustExist) {
  LoaderBelowFolder setup;
  for (const char* name : {"t.csv", "t.jsonl"}) {
    pb::Source source = SourceAt(setup.folder.Write(
        name, name == std::string("t.csv") ? "age\n1\n" : "{\"age\":1}\n"));
    (*source.mutable_types())["aeg"] = pb::STRING;
    EXPECT_THAT(Failure(ReadAll(*setup.loader, source)),
                testing::AllOf(HasSubstr("UNKNOWN_COLUMN"),
                               HasSubstr("\"aeg\""), HasSubstr("\"age\"")));
  }
}

pb::Schema PinnedSchema(
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

TEST(PlanPinned, TypesAreNotInferredAndOtherColumnsAreIgnored) {
  LoaderBelowFolder setup;
  const pb::Source source =
      SourceAt(setup.folder.Write("t.csv", "z,a,b\nq,1,2\nr,x,4\n"));
  const pb::Schema pinned = PinnedSchema(
      {{"b", pb::FLOAT64, pb::FEATURE}, {"a", pb::INT64, pb::FEATURE}});
  const absl::StatusOr<WholeInput> input =
      ReadAll(*setup.loader, source, 0, pinned);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->names, ElementsAre("z", "a", "b"));
  EXPECT_THAT(input->rows, ElementsAre(ElementsAre("2", "1")));
  EXPECT_THAT(input->rejected,
              ElementsAre("1 TYPE_MISMATCH t.csv:3:3: column \"a\": \"x\" is "
                          "not of type int64"));
}

TEST(PlanPinned, AMissingFeatureIsAnErrorAndAMissingTargetIsNot) {
  LoaderBelowFolder setup;
  const pb::Source source = SourceAt(setup.folder.Write("t.csv", "age\n1\n"));
  EXPECT_THAT(
      Failure(ReadAll(*setup.loader, source, 0,
                      PinnedSchema({{"aeg", pb::INT64, pb::FEATURE}}))),
      testing::AllOf(HasSubstr("UNKNOWN_COLUMN: t.csv: "), HasSubstr("age")));
  const absl::StatusOr<WholeInput> input =
      ReadAll(*setup.loader, source, 0,
              PinnedSchema({{"age", pb::INT64, pb::FEATURE},
                            {"y", pb::INT64, pb::TARGET},
                            {"w", pb::FLOAT64, pb::WEIGHT}}));
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->rows, ElementsAre(ElementsAre("1")));
}

TEST(PlanCursor, AForeignCursorIsRefused) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", ManyRows(500))), 10);
  const absl::StatusOr<pb::PlanResponse> page = setup.Plan(request);
  ASSERT_TRUE(page.ok());
  request.set_cursor("nonsense");
  EXPECT_THAT(Failure(setup.Plan(request)), HasSubstr("BAD_MESSAGE"));
  pb::PlanCursor cursor;
  ASSERT_TRUE(cursor.ParseFromString(page->next_cursor()));
  cursor.set_file(7);
  request.set_cursor(cursor.SerializeAsString());
  EXPECT_THAT(Failure(setup.Plan(request)), HasSubstr("BAD_MESSAGE"));
}

// Counters are added to, and the files' sizes to each other.
TEST(PlanCursor, CountersBeyondTheRangeAreRefused) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", ManyRows(500))), 10);
  const std::string good = setup.Plan(request)->next_cursor();
  const auto answer = [&](auto change) {
    pb::PlanCursor cursor;
    cursor.ParseFromString(good);
    change(cursor);
    request.set_cursor(cursor.SerializeAsString());
    return ReasonOf(setup.Plan(request).status());
  };
  EXPECT_EQ(answer([](auto&) {}), "");
  EXPECT_EQ(answer([](auto& cursor) { cursor.set_skipped_lines(-1); }),
            "BAD_MESSAGE");
  EXPECT_EQ(answer([](auto& cursor) { cursor.set_rejected_rows(INT64_MAX); }),
            "BAD_MESSAGE");
  EXPECT_EQ(answer([](auto& cursor) {
              cursor.mutable_short_rows()->set_count(INT64_MAX);
            }),
            "BAD_MESSAGE");
  EXPECT_EQ(answer([](auto& cursor) { cursor.add_rejected(); }), "BAD_MESSAGE");
  EXPECT_EQ(answer([](auto& cursor) {
              for (int i = 0; i < 2; ++i)
                cursor.add_files()->set_bytes(INT64_MAX / 2 - 1);
            }),
            "BAD_MESSAGE");
}

// Whatever a cursor says, planning ends with an answer.
TEST(PlanCursor, RandomDamageNeverCrashes) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", ManyRows(500))), 10);
  const std::string good = setup.Plan(request)->next_cursor();
  const google::protobuf::LogSilencer silencer;  // It complains of each.
  std::mt19937 random(11);
  int answered = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    for (int k = 0; k < 3; ++k)
      bad[random() % bad.size()] = static_cast<char>(random());
    request.set_cursor(bad);
    const absl::StatusOr<pb::PlanResponse> page = setup.Plan(request);
    answered += page.ok() || !ReasonOf(page.status()).empty();
  }
  EXPECT_EQ(answered, 3000);
}

TEST(PlanCursor, AChangedFileIsNoticed) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", ManyRows(500))), 10);
  request.set_cursor(setup.Plan(request)->next_cursor());
  setup.folder.Write("t.csv", ManyRows(501));
  EXPECT_EQ(Failure(setup.Plan(request)),
            "INPUT_CHANGED: \"t.csv\" changed while it was read");
}

TEST(Plan, DigestsEveryFilesWholeText) {
  LoaderBelowFolder setup;
  const std::string first = "\xef\xbb\xbf" + ManyRows(900) + "\n\n";
  const std::string second = ManyRows(3);
  setup.folder.Write("t1.csv", first);
  setup.folder.Write("t2.csv", second);
  for (const int64_t split_bytes : {10, 1000, 1 << 20}) {
    const absl::StatusOr<WholePlan> plan =
        PlanAll(*setup.loader, PlanRequestFor(SourceAt("t*.csv"), split_bytes));
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->digests.size(), 2u);
    EXPECT_EQ(plan->digests[0].path(), "t1.csv");
    EXPECT_EQ(plan->digests[0].bytes(), static_cast<int64_t>(first.size()));
    EXPECT_EQ(plan->digests[0].sha256(), Sha256Hex(first)) << split_bytes;
    EXPECT_EQ(plan->digests[1].sha256(), Sha256Hex(second)) << split_bytes;
  }
}

TEST(Plan, DigestsNoFileThatItDidNotReadToItsEnd) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", ManyRows(500))), 50);
  request.set_max_rows(20);
  const absl::StatusOr<WholePlan> plan = PlanAll(*setup.loader, request);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->digests.empty());
}

TEST(Plan, RefusesACursorWhoseDigestWasChanged) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("t.csv", ManyRows(500))), 10);
  const absl::StatusOr<pb::PlanResponse> page = setup.Plan(request);
  ASSERT_TRUE(page.ok()) << page.status();
  pb::PlanCursor cursor;
  ASSERT_TRUE(cursor.ParseFromString(page->next_cursor()));
  (*cursor.mutable_sha256())[5] ^= 1;
  request.set_cursor(cursor.SerializeAsString());
  EXPECT_THAT(Failure(setup.Plan(request)), HasSubstr("cursor"));
}

TEST(PlanInline, TextInPiecesGivesTheSameRowsAsAFile) {
  LoaderBelowFolder setup;
  const std::string text = ManyRows(400);
  const absl::StatusOr<WholeInput> file =
      ReadAll(*setup.loader, SourceAt(setup.folder.Write("t.csv", text)));
  ASSERT_TRUE(file.ok());
  pb::PlanRequest request;
  request.set_split_bytes(100);
  WholeInput whole;
  std::string digest;
  do {
    pb::InlineText& piece = *request.mutable_inline_text();
    const auto offset = static_cast<size_t>(piece.offset());
    piece.set_text(text.substr(offset, 777));
    piece.set_last(offset + 777 >= text.size());
    piece.set_name("up.csv");
    const absl::StatusOr<pb::PlanResponse> page = setup.Plan(request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const pb::Split& split : page->splits()) {
      pb::LoadRequest load =
          LoadRequestFor({}, split, page->schema(), page->schema());
      load.mutable_inline_text()->set_text(
          text.substr(static_cast<size_t>(split.offset()),
                      static_cast<size_t>(split.bytes())));
      load.mutable_inline_text()->set_name("up.csv");
      const absl::StatusOr<pb::LoadResponse> loaded = setup.Load(load);
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      ASSERT_TRUE(AppendLoaded(*loaded, &whole).ok());
    }
    for (const pb::FileDigest& found : page->digests()) digest = found.sha256();
    request.set_cursor(page->next_cursor());
    piece.set_offset(page->next_offset());
  } while (!request.cursor().empty());
  EXPECT_EQ(whole.rows, file->rows);
  EXPECT_EQ(digest, Sha256Hex(text));
}

TEST(PlanInline, ARecordThatDoesNotFitIsAnErrorNotAnEndlessLoop) {
  LoaderBelowFolder setup;
  pb::PlanRequest request;
  request.mutable_inline_text()->set_text("a,b\n\"open");
  request.mutable_inline_text()->set_name("up.csv");
  const absl::StatusOr<pb::PlanResponse> page = setup.Plan(request);
  ASSERT_TRUE(page.ok()) << page.status();
  request.set_cursor(page->next_cursor());
  request.mutable_inline_text()->set_text("\"open");
  request.mutable_inline_text()->set_offset(page->next_offset());
  EXPECT_EQ(Failure(setup.Plan(request)),
            "BAD_INPUT: up.csv:2: the record that begins here does not end "
            "within the 5 bytes given");
}

}  // namespace
}  // namespace troupe::loader
