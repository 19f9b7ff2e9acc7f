#include "client/cli/file_chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "services/base/errors.h"
#include "tests/unit/cli/temp_directory.h"

namespace troupe {
namespace {

using testing::HasSubstr;

std::string Gzip(const std::string& text) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(
      ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// About 3 MB: more than one chunk.
std::string LongText() {
  std::string text;
  for (int64_t i = 0; i < 400'000; ++i) text += std::to_string(i * 7919) + "\n";
  return text;
}

// The whole, or the error's message.
std::string ReadAll(const std::string& path,
                    pb::Compression compression = pb::COMPRESSION_UNSPECIFIED) {
  auto chunks = FileChunks::Open(path, compression);
  if (!chunks.ok()) return std::string(chunks.status().message());
  std::string text;
  while (true) {
    const auto chunk = (*chunks)->Next();
    if (!chunk.ok()) return std::string(chunk.status().message());
    EXPECT_LE(chunk->size(), size_t{1} << 20);
    if (chunk->empty()) return text;
    text += *chunk;
  }
}

TEST(FileChunks, ReadsPlainFiles) {
  const TempDirectory directory;
  const std::string text = LongText();
  EXPECT_EQ(ReadAll(directory.Write("a.csv", text)), text);
  EXPECT_EQ(ReadAll(directory.Write("empty.csv", "")), "");
}

TEST(FileChunks, DecompressesEveryMemberAndFrame) {
  const TempDirectory directory;
  const std::string text = LongText();
  EXPECT_TRUE(ReadAll(directory.Write(
                  "a.csv.gz", Gzip(text) + Gzip("b") + Gzip("") + Gzip("c"))) ==
              text + "bc");
  EXPECT_TRUE(ReadAll(directory.Write("a.csv.zst",
                                      Zstd(text) + Zstd("b") + Zstd(""))) ==
              text + "b");
}

TEST(FileChunks, AllowsZerosAfterTheLastMember) {
  const TempDirectory directory;
  EXPECT_EQ(
      ReadAll(directory.Write("a.gz", Gzip("x") + std::string(512, '\0'))),
      "x");
}

TEST(FileChunks, GoesByTheDeclaredCompressionFirst) {
  const TempDirectory directory;
  EXPECT_EQ(ReadAll(directory.Write("a.csv", Gzip("x")), pb::GZIP), "x");
  EXPECT_EQ(ReadAll(directory.Write("b.gz", "x"), pb::NONE), "x");
}

TEST(FileChunks, RefusesWhatIsDamaged) {
  const TempDirectory directory;
  const std::string gzip = Gzip(LongText());
  const std::string zstd = Zstd(LongText());
  std::string flipped = gzip;
  flipped[gzip.size() - 6] ^= 1;  // The checksum.
  EXPECT_THAT(ReadAll(directory.Write("a.gz", "hello")),
              HasSubstr("a.gz: not gzip data"));
  EXPECT_THAT(ReadAll(directory.Write("b.gz", gzip.substr(0, 5000))),
              HasSubstr("end early"));
  EXPECT_THAT(ReadAll(directory.Write("c.gz", flipped)), HasSubstr("damaged"));
  EXPECT_THAT(ReadAll(directory.Write("d.gz", "")), HasSubstr("end early"));
  EXPECT_THAT(ReadAll(directory.Write("e.gz", gzip + "junk")),
              HasSubstr("not gzip data"));
  EXPECT_THAT(ReadAll(directory.Write("a.zst", "hello")),
              HasSubstr("not zstd data"));
  EXPECT_THAT(ReadAll(directory.Write("b.zst", zstd.substr(0, 5000))),
              HasSubstr("end early"));
  EXPECT_THAT(ReadAll(directory.Write("c.zst", "")), HasSubstr("end early"));
}

TEST(FileChunks, RefusesMissingFilesAndDirectories) {
  EXPECT_EQ(ReasonOf(FileChunks::Open("/nonexistent", pb::NONE).status()),
            "FILE_NOT_FOUND");
  EXPECT_THAT(ReadAll("/"), HasSubstr("a directory"));
}

TEST(FileChunks, CountsBytesOfTheFileItself) {
  const TempDirectory directory;
  const std::string gzip = Gzip(LongText());
  const auto chunks = FileChunks::Open(directory.Write("a.gz", gzip), pb::GZIP);
  ASSERT_TRUE(chunks.ok());
  EXPECT_EQ((*chunks)->bytes_total(), static_cast<int64_t>(gzip.size()));
  EXPECT_EQ((*chunks)->bytes_read(), 0);
  while (!(*chunks)->Next()->empty()) {
  }
  EXPECT_EQ((*chunks)->bytes_read(), static_cast<int64_t>(gzip.size()));
}

}  // namespace
}  // namespace troupe
