#include "services/table/file_names.h"

#include "gtest/gtest.h"

namespace troupe {
namespace {

TEST(FileNames, TellCompressionAndFormatWhateverTheirCase) {
  EXPECT_EQ(CompressionOf("a.csv.gz"), pb::GZIP);
  EXPECT_EQ(CompressionOf("A.CSV.ZST"), pb::ZSTD);
  EXPECT_EQ(CompressionOf("gz"), pb::NONE);
  EXPECT_EQ(FormatOf("a.csv"), pb::CSV);
  EXPECT_EQ(FormatOf("a.TAB.GZ"), pb::TSV);
  EXPECT_EQ(FormatOf("a.ndjson.zst"), pb::JSONL);
  EXPECT_EQ(FormatOf("a.gz.csvx"), pb::FORMAT_UNSPECIFIED);
  EXPECT_EQ(FormatOf(""), pb::FORMAT_UNSPECIFIED);
}

TEST(FileNames, LoseTheEndingOfTheirCompression) {
  EXPECT_EQ(WithoutCompression("a.csv.gz"), "a.csv");
  EXPECT_EQ(WithoutCompression("a.csv.ZST"), "a.csv");
  EXPECT_EQ(WithoutCompression("a.csv"), "a.csv");
}

}  // namespace
}  // namespace troupe
