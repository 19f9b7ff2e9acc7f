#include "client/coordinator/output/output_writer.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/host/sha256.h"
#include "services/table/number_text.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

// Appends rows of one number each.
absl::Status Append(OutputWriter& writer, const std::vector<double>& values) {
  std::string text;
  for (const double value : values) {
    AppendDouble(value, &text);
    text.push_back('\n');
  }
  return writer.Append({text}, static_cast<int64_t>(values.size()));
}

absl::Status Onward() { return absl::OkStatus(); }

const Schema kX = {{"x", pb::FLOAT64, pb::CARRY}};

std::unique_ptr<OutputWriter> Open(
    const std::string& directory,
    const std::vector<pb::JournalBatch>& committed = {},
    int64_t max_part_bytes = 1 << 20) {
  return std::move(
      OutputWriter::Open({directory, pb::CSV, max_part_bytes, kX}, committed)
          ->writer);
}

// Writes one batch; returns its place, as the journal would keep it.
pb::JournalBatch WriteBatch(OutputWriter& writer,
                            const std::vector<double>& values) {
  const auto rows = static_cast<int64_t>(values.size());
  EXPECT_TRUE(Append(writer, values).ok());
  pb::JournalBatch batch = *writer.EndBatch();
  batch.set_rows_read(rows);
  EXPECT_TRUE(writer.Sync().ok());
  return batch;
}

pb::Manifest Rows(int64_t read, int64_t rejected) {
  pb::Manifest manifest;
  manifest.set_rows_read(read);
  manifest.set_rows_rejected(rejected);
  return manifest;
}

TEST(OutputWriter, PublishesPartsThatTogetherAreTheOutput) {
  TempDir dir;
  auto writer = Open(dir / "out", {}, 8);
  WriteBatch(*writer, {1, 2});
  WriteBatch(*writer, {3});
  const auto manifest = writer->Publish(Rows(3, 0));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(ReadFile(dir / "out/part-00000.csv"), "x\n1.0\n2.0\n");
  EXPECT_EQ(ReadFile(dir / "out/part-00001.csv"), "3.0\n");
  EXPECT_EQ(manifest->parts(1).sha256(), Sha256Hex("3.0\n"));
  EXPECT_EQ(manifest->rows_ok(), 3);
}

TEST(OutputWriter, ShowsNothingUnderTheFinalNameBeforePublish) {
  TempDir dir;
  auto writer = Open(dir / "out");
  ASSERT_TRUE(Append(*writer, {1}).ok());
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
}

TEST(OutputWriter, GoesOnBehindWhatWasCommitted) {
  TempDir dir;
  auto writer = Open(dir / "out");
  const pb::JournalBatch first = WriteBatch(*writer, {1});
  const pb::JournalBatch second = WriteBatch(*writer, {2});
  WriteBatch(*writer, {3});  // Never committed.
  writer.reset();
  writer = Open(dir / "out", {first, second});
  WriteBatch(*writer, {4});
  const auto manifest = writer->Publish(Rows(3, 0));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(ReadFile(dir / "out/part-00000.csv"), "x\n1.0\n2.0\n4.0\n");
  EXPECT_EQ(manifest->parts(0).sha256(), Sha256Hex("x\n1.0\n2.0\n4.0\n"));
}

TEST(OutputWriter, GoesOnInALaterPart) {
  TempDir dir;
  std::vector<pb::JournalBatch> committed;
  auto writer = Open(dir / "out", {}, 8);
  for (const double x : {1, 2, 3, 4, 5})
    committed.push_back(WriteBatch(*writer, {x}));
  for (size_t count = 1; count <= committed.size(); ++count) {
    writer =
        Open(dir / "out", {committed.begin(), committed.begin() + count}, 8);
    for (size_t i = count; i < 5; ++i)
      WriteBatch(*writer, {static_cast<double>(i + 1)});
  }
  const auto manifest = writer->Publish(Rows(5, 0));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  std::string all;
  for (const pb::Part& part : manifest->parts())
    all += ReadFile(dir / ("out/" + part.name()));
  EXPECT_EQ(all, "x\n1.0\n2.0\n3.0\n4.0\n5.0\n");
  EXPECT_GT(manifest->parts_size(), 2);
}

TEST(OutputWriter, DistrustsEveryBatchFromTheFirstDamagedByteOn) {
  TempDir dir;
  auto writer = Open(dir / "out", {}, 8);
  std::vector<pb::JournalBatch> committed;
  for (const double x : {1, 2, 3, 4})
    committed.push_back(WriteBatch(*writer, {x}));
  writer.reset();
  std::ofstream(dir / "out.tmp/part-00000.csv", std::ios::in) << "x\n9";
  const auto opened =
      OutputWriter::Open({dir / "out", pb::CSV, 8, kX}, committed);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->good, 0u);
  for (const double x : {1, 2, 3, 4}) WriteBatch(*opened->writer, {x});
  EXPECT_TRUE(opened->writer->Publish(Rows(4, 0)).ok());
}

constexpr int64_t kLong = int64_t{17} << 20;  // Long enough for a digest.

// Writes one batch of one long line.
pb::JournalBatch WriteLongBatch(OutputWriter& writer, char text) {
  const std::string line(kLong, text);
  EXPECT_TRUE(writer.Append({line, "\n"}, 1).ok());
  pb::JournalBatch batch = *writer.EndBatch();
  batch.set_rows_read(1);
  EXPECT_TRUE(writer.Sync().ok());
  return batch;
}

TEST(OutputWriter, ReadsAgainOnlyWhatNoDigestVouchesFor) {
  TempDir dir;
  auto writer = Open(dir / "out", {}, 1 << 30);
  std::vector<pb::JournalBatch> committed = {WriteLongBatch(*writer, 'a'),
                                             WriteBatch(*writer, {1}),
                                             WriteBatch(*writer, {2})};
  writer.reset();
  int pieces = 0;
  OutputOptions options = {dir / "out", pb::CSV, 1 << 30, kX, [&pieces] {
                             ++pieces;
                             return absl::OkStatus();
                           }};
  auto opened = OutputWriter::Open(options, committed);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->good, 3u);
  EXPECT_EQ(pieces, 2);
  const auto manifest = opened->writer->Publish(Rows(3, 0));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_TRUE(ReadPublished(dir / "out", Onward).ok());
}

TEST(OutputWriter, ReadsAgainWhatADamagedDigestVouchesFor) {
  TempDir dir;
  auto writer = Open(dir / "out", {}, 1 << 30);
  std::vector<pb::JournalBatch> committed = {WriteLongBatch(*writer, 'a'),
                                             WriteBatch(*writer, {1})};
  writer.reset();
  committed[0].mutable_part_digest()->front() ^= 1;
  writer = Open(dir / "out", committed, 1 << 30);
  ASSERT_TRUE(writer->Publish(Rows(2, 0)).ok());
  EXPECT_TRUE(ReadPublished(dir / "out", Onward).ok());
}

TEST(OutputWriter, KnowsLongPartsThatAreCompleteByTheirDigest) {
  TempDir dir;
  auto writer = Open(dir / "out", {}, kLong);
  const std::vector<pb::JournalBatch> committed = {
      WriteLongBatch(*writer, 'a'), WriteLongBatch(*writer, 'b')};
  writer.reset();
  OutputOptions options = {
      dir / "out", pb::CSV, kLong, kX,
      [] { return absl::InternalError("reads what it need not read"); }};
  auto opened = OutputWriter::Open(options, committed);
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_TRUE(opened->writer->Publish(Rows(2, 0)).ok());
  EXPECT_TRUE(ReadPublished(dir / "out", Onward).ok());
}

TEST(OutputWriter, StopsReadingAgainWhenItMayNotGoOn) {
  TempDir dir;
  auto writer = Open(dir / "out");
  const pb::JournalBatch batch = WriteBatch(*writer, {1});
  writer.reset();
  const MayGoOn no = [] { return absl::CancelledError("stop"); };
  EXPECT_TRUE(absl::IsCancelled(
      OutputWriter::Open({dir / "out", pb::CSV, 1 << 20, kX, no}, {batch})
          .status()));
  ASSERT_TRUE(Open(dir / "out", {batch})->Publish(Rows(1, 0)).ok());
  EXPECT_TRUE(absl::IsCancelled(ReadPublished(dir / "out", no).status()));
}

TEST(OutputWriter, DistrustsBatchesThatAreCutOff) {
  TempDir dir;
  auto writer = Open(dir / "out");
  std::vector<pb::JournalBatch> committed;
  for (const double x : {1, 2, 3})
    committed.push_back(WriteBatch(*writer, {x}));
  writer.reset();
  std::filesystem::resize_file(dir / "out.tmp/part-00000.csv", 7);
  const auto opened =
      OutputWriter::Open({dir / "out", pb::CSV, 1 << 20, kX}, committed);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->good, 1u);
}

TEST(OutputWriter, RemembersTheFirstRejectedRows) {
  TempDir dir;
  RejectedRows rows;
  rows.Add(4, {"BAD_ROW", "it is bad", "", ""});
  auto writer = Open(dir / "out");
  ASSERT_TRUE(writer->Reject(rows, {"some \"text\""}).ok());
  pb::JournalBatch batch = *writer->EndBatch();
  batch.set_rows_read(1);
  batch.set_rows_rejected(1);
  ASSERT_TRUE(writer->Sync().ok());
  writer = Open(dir / "out", {batch});
  const auto first = writer->FirstRejected(20);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->size(), 1u);
  EXPECT_EQ(first->at(0).reason(), "BAD_ROW");
  EXPECT_EQ(writer->Publish(Rows(1, 1))->rejects().rows(), 1);
}

TEST(OutputWriter, KnowsWhetherAPublishedOutputIsAsItWas) {
  TempDir dir;
  auto writer = Open(dir / "out");
  WriteBatch(*writer, {1});
  ASSERT_TRUE(writer->Publish(Rows(1, 0)).ok());
  EXPECT_EQ(ReadPublished(dir / "out", Onward)->rows_ok(), 1);
  std::ofstream(dir / "out/part-00000.csv", std::ios::in) << "y";
  EXPECT_EQ(ReasonOf(ReadPublished(dir / "out", Onward).status()),
            "OUTPUT_DAMAGED");
  EXPECT_TRUE(absl::IsNotFound(ReadPublished(dir / "other", Onward).status()));
}

TEST(OutputWriter, RefusesToPublishWhenRowsAreMissing) {
  TempDir dir;
  auto writer = Open(dir / "out");
  ASSERT_TRUE(Append(*writer, {1}).ok());
  EXPECT_EQ(writer->Publish(Rows(2, 0)).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
}

TEST(OutputWriter, WritesRejectsWithReasonAndText) {
  TempDir dir;
  auto writer = Open(dir / "out");
  RejectedRows rows("f.csv");
  rows.Add(4, {"BAD_ROW", "bad: ", "\"x\"", ""}, {6, 3});
  ASSERT_TRUE(writer->Reject(rows, {"a\tb"}).ok());
  const auto manifest = writer->Publish(Rows(1, 1));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(ReadFile(dir / ("out/" + manifest->rejects().name())),
            "{\"row\": 4, \"reason\": \"BAD_ROW\", \"message\": \"f.csv:6:3: "
            "bad: \\\"x\\\"\", \"text\": \"a\\u0009b\"}\n");
}

TEST(OutputWriter, WritesManyRejectsInTheirOrder) {
  TempDir dir;
  auto writer = Open(dir / "out");
  RejectedRows rows;
  for (int64_t row = 0; row < 20'000; ++row)
    rows.Add(row, {"BAD_ROW", "it is bad", "", ""});
  ASSERT_TRUE(
      writer->Reject(rows, std::vector<std::string>(20'000, "text")).ok());
  const auto manifest = writer->Publish(Rows(20'000, 20'000));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->rejects().rows(), 20'000);
  std::istringstream lines(ReadFile(dir / "out/rejects.jsonl"));
  int64_t number = 0;
  for (std::string line; std::getline(lines, line); ++number)
    EXPECT_TRUE(
        absl::StartsWith(line, absl::StrCat("{\"row\": ", number, ", ")));
  EXPECT_EQ(number, 20'000);
}

TEST(OutputWriter, WritesTheHeaderWhenThereAreNoRows) {
  TempDir dir;
  auto writer = Open(dir / "out");
  ASSERT_TRUE(writer->Publish(Rows(0, 0)).ok());
  EXPECT_EQ(ReadFile(dir / "out/part-00000.csv"), "x\n");
}

TEST(OutputWriter, WritesManyPiecesInTheirOrder) {
  TempDir dir;
  auto writer = Open(dir / "out");
  std::vector<std::string> lines;
  for (int i = 0; i < 1000; ++i) lines.push_back(std::to_string(i) + "\n");
  const std::vector<absl::string_view> pieces(lines.begin(), lines.end());
  ASSERT_TRUE(writer->Append(pieces, 1000).ok());
  ASSERT_TRUE(writer->Append({"", "last\n", ""}, 1).ok());
  ASSERT_TRUE(writer->Append({}, 0).ok());
  const auto manifest = writer->Publish(Rows(1001, 0));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  const std::string expected = "x\n" + absl::StrJoin(lines, "") + "last\n";
  EXPECT_EQ(ReadFile(dir / "out/part-00000.csv"), expected);
  EXPECT_EQ(manifest->parts(0).sha256(), Sha256Hex(expected));
}

TEST(OutputWriter, DescribesTheOutputInItsManifestFile) {
  TempDir dir;
  auto writer = Open(dir / "out");
  ASSERT_TRUE(Append(*writer, {1}).ok());
  ASSERT_TRUE(writer->Publish(Rows(1, 0)).ok());
  const std::string json = ReadFile(dir / "out/manifest.json");
  EXPECT_NE(json.find("\"rows_read\": \"1\""), std::string::npos) << json;
  EXPECT_NE(json.find(Sha256Hex("x\n1.0\n")), std::string::npos) << json;
}

}  // namespace
}  // namespace troupe
