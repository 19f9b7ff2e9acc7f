// Which files can be opened, and how compressed ones are read.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/loader/sources/open_beneath.h"
#include "services/loader/sources/source_files.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

std::string Gzip(absl::string_view text) {
  z_stream zlib = {};
  deflateInit2(&zlib, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&zlib, text.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  deflate(&zlib, Z_FINISH);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

std::string Zstd(absl::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(
      ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string TwoColumns(int count) {
  std::string text = "n,half\n";
  for (int i = 0; i < count; ++i) absl::StrAppend(&text, i, ",", i * 0.5, "\n");
  return text;
}

std::string FailureAt(LoaderBelowFolder& setup, const std::string& path) {
  return Failure(ReadAll(*setup.loader, SourceAt(path)));
}

TEST(Roots, AMissingFileIsNotFound) {
  LoaderBelowFolder setup;
  for (const std::string path : {"no.csv", "x*.csv", "no/x*.csv"})
    EXPECT_THAT(FailureAt(setup, path),
                ::testing::StartsWith(
                    absl::StrCat("FILE_NOT_FOUND: no file \"", path,
                                 "\" below the loader's --roots \"/")));
}

TEST(Roots, NothingOutsideCanBeRead) {
  LoaderBelowFolder setup;
  InputFolder outside;
  outside.Write("secret.csv", "a\n1\n");
  fs::create_symlink(outside.path() / "secret.csv",
                     setup.folder.path() / "link.csv");
  fs::create_directory_symlink(outside.path(), setup.folder.path() / "dir");
  for (const std::string& path :
       {std::string("link.csv"), std::string("dir/secret.csv"),
        "../" + outside.path().filename().string() + "/secret.csv",
        (outside.path() / "secret.csv").string(), std::string("l*.csv"),
        setup.folder.path().string() + "x/t.csv"})
    EXPECT_THAT(FailureAt(setup, path), StartsWith("OUTSIDE_ROOTS: ")) << path;
}

TEST(Roots, PathsAndLinksThatStayInsideAreRead) {
  LoaderBelowFolder setup;
  setup.folder.Write("d/t.csv", "a\n1\n");
  fs::create_symlink("d/t.csv", setup.folder.path() / "link.csv");
  for (const std::string& path :
       {std::string("d/t.csv"), std::string("./d/../d/t.csv"),
        std::string("link.csv"), (setup.folder.path() / "d/t.csv").string(),
        (setup.folder.path() / "d/*.csv").string()})
    EXPECT_EQ(FailureAt(setup, path), "OK") << path;
}

TEST(Roots, AnAbsolutePathIsShownBelowItsRoot) {
  LoaderBelowFolder setup;
  setup.folder.Write("t.csv", "a\n1\n");
  const absl::StatusOr<pb::PlanResponse> plan = setup.Plan(
      PlanRequestFor(SourceAt((setup.folder.path() / "t.csv").string())));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->files(0).path(), "t.csv");
}

TEST(Roots, SeveralRootsAreLookedThroughInOrder) {
  InputFolder first;
  InputFolder second;
  second.Write("t.csv", "a\n1\n");
  const std::vector<std::string> directories = {first.path(), second.path()};
  const absl::StatusOr<Roots> roots = Roots::Open(directories);
  ASSERT_TRUE(roots.ok()) << roots.status();
  EXPECT_TRUE(roots->OpenFile("t.csv").ok());
  const std::string absolute = second.path() / "t.csv";
  EXPECT_EQ(roots->OpenFile(absolute)->identity.path(), absolute);
}

TEST(Roots, ARootMustBeADirectory) {
  const std::vector<std::string> directories = {"/nowhere/at/all"};
  EXPECT_EQ(Failure(Roots::Open(directories)),
            "ROOT_NOT_FOUND: --roots: no directory \"/nowhere/at/all\"");
}

TEST(Roots, OnlyRegularFilesAreRead) {
  LoaderBelowFolder setup;
  fs::create_directory(setup.folder.path() / "d.csv");
  mkfifo((setup.folder.path() / "pipe.csv").c_str(), 0600);
  EXPECT_EQ(FailureAt(setup, "d.csv"),
            "BAD_INPUT: d.csv: a directory; name a file or a pattern");
  EXPECT_EQ(FailureAt(setup, "pipe.csv"),
            "BAD_INPUT: pipe.csv: not a regular file");
}

TEST(Roots, APatternMayStandInTheLastPartOnly) {
  LoaderBelowFolder setup;
  EXPECT_EQ(FailureAt(setup, "d*/t.csv"),
            "BAD_SPEC: source.path: a pattern may stand in the last part of "
            "the path only");
}

TEST(Roots, AFileCalledLikeAPatternIsThatFile) {
  LoaderBelowFolder setup;
  setup.folder.Write("a[1].csv", "a\n1\n");
  setup.folder.Write("a1.csv", "a\n1\n2\n");
  const absl::StatusOr<WholeInput> input =
      ReadAll(*setup.loader, SourceAt("a[1].csv"));
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows.size(), 1U);
}

// What kernels without openat2 get.
TEST(OpenBeneathStepwise, OpensFilesAndRefusesEveryWayOut) {
  InputFolder folder;
  folder.Write("d/t.csv", "a\n");
  fs::create_symlink("/etc", folder.path() / "etc");
  const FileDescriptor root(open(folder.path().c_str(), O_RDONLY));
  EXPECT_TRUE(OpenBeneathStepwise(root, "d/t.csv", O_RDONLY).valid());
  EXPECT_FALSE(OpenBeneathStepwise(root, "d/../d/t.csv", O_RDONLY).valid());
  EXPECT_FALSE(OpenBeneathStepwise(root, "etc/passwd", O_RDONLY).valid());
  EXPECT_FALSE(OpenBeneathStepwise(root, "/etc/passwd", O_RDONLY).valid());
}

TEST(Compressed, FilesReadAsTheirText) {
  LoaderBelowFolder setup;
  const std::string text = TwoColumns(20000);
  const std::string half = text.substr(0, text.size() / 2);
  const std::string rest = text.substr(half.size());
  setup.folder.Write("t.csv", text);
  setup.folder.Write("t.csv.gz", Gzip(text));
  setup.folder.Write("two.csv.gz",
                     Gzip(half) + Gzip(rest) + std::string(512, '\0'));
  setup.folder.Write("t.csv.zst", Zstd(text));
  setup.folder.Write("two.csv.zst", Zstd(half) + Zstd(rest));
  const absl::StatusOr<WholeInput> plain =
      ReadAll(*setup.loader, SourceAt("t.csv"));
  for (const char* name :
       {"t.csv.gz", "two.csv.gz", "t.csv.zst", "two.csv.zst"}) {
    const absl::StatusOr<WholeInput> read =
        ReadAll(*setup.loader, SourceAt(name), 5000);
    ASSERT_TRUE(read.ok()) << name << read.status();
    EXPECT_EQ(read->rows, plain->rows) << name;
  }
}

TEST(Compressed, TheSpecWinsOverTheEnding) {
  LoaderBelowFolder setup;
  setup.folder.Write("data", Gzip("a\n1\n"));
  pb::Source source = SourceAt("data");
  source.set_compression(pb::GZIP);
  source.set_format(pb::CSV);
  EXPECT_EQ(Failure(ReadAll(*setup.loader, source)), "OK");
}

TEST(Compressed, WhatIsNotCompressedIsNamed) {
  LoaderBelowFolder setup;
  setup.folder.Write("t.csv.gz", "a,b\n1,2\n");
  setup.folder.Write("t.csv.zst", "a,b\n1,2\n");
  EXPECT_EQ(FailureAt(setup, "t.csv.gz"),
            "BAD_INPUT: t.csv.gz: not a gzip file, although named or declared "
            "as one");
  EXPECT_EQ(FailureAt(setup, "t.csv.zst"),
            "BAD_INPUT: t.csv.zst: not a zstd file, although named or declared "
            "as one");
}

TEST(Compressed, CompressedBytesInAPlainFileAreRecognised) {
  LoaderBelowFolder setup;
  setup.folder.Write("g.csv", Gzip("a\n1\n"));
  setup.folder.Write("z.csv", Zstd("a\n1\n"));
  EXPECT_EQ(FailureAt(setup, "g.csv"),
            "BAD_INPUT: g.csv: the file holds gzip data; say so with "
            "`compression: gzip`");
  EXPECT_THAT(FailureAt(setup, "z.csv"), HasSubstr("`compression: zstd`"));
}

TEST(Compressed, DamageAndCutsAreErrors) {
  LoaderBelowFolder setup;
  const std::string text = TwoColumns(20000);
  for (const auto& [name, bytes] : {std::pair("t.csv.gz", Gzip(text)),
                                    std::pair("t.csv.zst", Zstd(text))}) {
    setup.folder.Write(name, bytes.substr(0, bytes.size() - 20));
    EXPECT_THAT(FailureAt(setup, name), HasSubstr("end too early")) << name;
    std::string damaged = bytes;
    for (size_t i = 0; i < 40; ++i) damaged[bytes.size() / 2 + i] ^= '\x55';
    setup.folder.Write(name, damaged);
    EXPECT_THAT(
        FailureAt(setup, name),
        testing::AllOf(StartsWith("BAD_INPUT: t.csv."), HasSubstr("corrupt")))
        << name;
  }
}

TEST(Compressed, AnEmptyCompressedFileIsAnError) {
  LoaderBelowFolder setup;
  setup.folder.Write("t.csv.gz", "");
  setup.folder.Write("t.csv.zst", "");
  setup.folder.Write("e.csv.gz", Gzip(""));
  EXPECT_THAT(FailureAt(setup, "t.csv.gz"), HasSubstr("is empty"));
  EXPECT_THAT(FailureAt(setup, "t.csv.zst"), HasSubstr("is empty"));
  EXPECT_THAT(FailureAt(setup, "e.csv.gz"), HasSubstr("the file is empty"));
}

TEST(Compressed, ABombIsRefused) {
  LoaderBelowFolder setup;
  setup.folder.Write("t.csv.gz",
                     Gzip("a\n" + std::string(70 << 20, '\n') + "1\n"));
  EXPECT_EQ(FailureAt(setup, "t.csv.gz"),
            "BAD_INPUT: t.csv.gz: the file decompresses to more than 200 times "
            "its size; see --max_inflation");
}

TEST(Compressed, LoadsInOrderInflateOnce) {
  InputFolder folder;
  folder.Write("t.csv.gz", Gzip(TwoColumns(1000)));
  const std::vector<std::string> directories = {folder.path()};
  SourceFiles files(*Roots::Open(directories), 200);
  const pb::FileIdentity identity = (*files.Identify("t.csv.gz"))[0];
  for (const int64_t offset : {0, 100, 200, 5000}) {
    auto reader = files.Open(identity, pb::GZIP, offset, NoContext());
    ASSERT_TRUE(reader.ok()) << reader.status();
    ASSERT_TRUE((*reader)->Fill(50).ok());
    EXPECT_EQ((*reader)->window().substr(0, 50),
              TwoColumns(1000).substr(static_cast<size_t>(offset), 50));
    (*reader)->Discard(50);
    files.GiveBack(identity, pb::GZIP, *std::move(reader));
  }
  EXPECT_EQ(files.inflations_begun(), 1);
  auto back = files.Open(identity, pb::GZIP, 10, NoContext());
  EXPECT_EQ(files.inflations_begun(), 2);
}

}  // namespace
}  // namespace troupe::loader
