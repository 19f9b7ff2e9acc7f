#include "client/coordinator/output_writer.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/host/sha256.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

Table Numbers(std::vector<double> values, const std::string& name = "x") {
  Table table;
  table.rows = static_cast<int64_t>(values.size());
  table.schema = {{name, pb::FLOAT64, pb::CARRY}};
  table.columns = {Column::FromDoubles(std::move(values))};
  return table;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

pb::Manifest Rows(int64_t read, int64_t rejected) {
  pb::Manifest manifest;
  manifest.set_rows_read(read);
  manifest.set_rows_rejected(rejected);
  return manifest;
}

TEST(OutputWriter, PublishesPartsThatTogetherAreTheOutput) {
  TempDir dir;
  auto writer = *OutputWriter::Create({dir / "out", pb::CSV, 8});
  ASSERT_TRUE(writer->Append(Numbers({1, 2})).ok());
  ASSERT_TRUE(writer->Append(Numbers({3})).ok());
  const auto manifest = writer->Publish(Rows(3, 0));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(ReadFile(dir / "out/part-00000.csv"), "x\n1.0\n2.0\n");
  EXPECT_EQ(ReadFile(dir / "out/part-00001.csv"), "3.0\n");
  EXPECT_EQ(manifest->parts(1).sha256(), Sha256Hex("3.0\n"));
  EXPECT_EQ(manifest->rows_ok(), 3);
}

TEST(OutputWriter, ShowsNothingUnderTheFinalNameBeforePublish) {
  TempDir dir;
  auto writer = *OutputWriter::Create({dir / "out"});
  ASSERT_TRUE(writer->Append(Numbers({1})).ok());
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
}

TEST(OutputWriter, LeavesNothingWhenItIsDroppedBeforePublish) {
  TempDir dir;
  auto writer = *OutputWriter::Create({dir / "out"});
  ASSERT_TRUE(writer->Append(Numbers({1})).ok());
  writer.reset();
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(OutputWriter, RefusesToPublishWhenRowsAreMissing) {
  TempDir dir;
  auto writer = *OutputWriter::Create({dir / "out"});
  ASSERT_TRUE(writer->Append(Numbers({1})).ok());
  EXPECT_EQ(writer->Publish(Rows(2, 0)).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
}

TEST(OutputWriter, WritesRejectsWithReasonAndText) {
  TempDir dir;
  auto writer = *OutputWriter::Create({dir / "out"});
  pb::RejectedRow row;
  row.set_row(4);
  row.set_reason("BAD_ROW");
  row.set_message("f.csv:6: \"x\"");
  ASSERT_TRUE(writer->FinishHeader({{"x", pb::FLOAT64, pb::CARRY}}).ok());
  ASSERT_TRUE(writer->Reject({{row, "a\tb"}}).ok());
  const auto manifest = writer->Publish(Rows(1, 1));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(ReadFile(dir / ("out/" + manifest->rejects().name())),
            "{\"row\": 4, \"reason\": \"BAD_ROW\", \"message\": \"f.csv:6: "
            "\\\"x\\\"\", \"text\": \"a\\u0009b\"}\n");
}

TEST(OutputWriter, WritesTheHeaderWhenThereAreNoRows) {
  TempDir dir;
  auto writer = *OutputWriter::Create({dir / "out"});
  ASSERT_TRUE(writer->FinishHeader({{"x", pb::FLOAT64, pb::CARRY}}).ok());
  ASSERT_TRUE(writer->Publish(Rows(0, 0)).ok());
  EXPECT_EQ(ReadFile(dir / "out/part-00000.csv"), "x\n");
}

TEST(OutputWriter, RefusesATableWithOtherColumns) {
  TempDir dir;
  auto writer = *OutputWriter::Create({dir / "out"});
  ASSERT_TRUE(writer->Append(Numbers({1})).ok());
  EXPECT_FALSE(writer->Append(Numbers({1}, "y")).ok());
}

TEST(OutputWriter, DescribesTheOutputInItsManifestFile) {
  TempDir dir;
  auto writer = *OutputWriter::Create({dir / "out"});
  ASSERT_TRUE(writer->Append(Numbers({1})).ok());
  ASSERT_TRUE(writer->Publish(Rows(1, 0)).ok());
  const std::string json = ReadFile(dir / "out/manifest.json");
  EXPECT_NE(json.find("\"rows_read\": \"1\""), std::string::npos) << json;
  EXPECT_NE(json.find(Sha256Hex("x\n1.0\n")), std::string::npos) << json;
}

}  // namespace
}  // namespace troupe
