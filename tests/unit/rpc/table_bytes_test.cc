#include "client/rpc/table_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_join.h"
#include "proto/pb.h"
#include "services/base/errors.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {
namespace {

// `bytes` in slices of `piece` bytes each.
grpc::ByteBuffer InPieces(const std::string& bytes, size_t piece) {
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < bytes.size(); i += piece)
    slices.emplace_back(bytes.substr(i, piece));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

std::string Flatten(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

pb::ProcessResponse SomeResponse(const std::string& table) {
  pb::ProcessResponse response;
  response.mutable_id()->set_job("j");
  response.mutable_id()->set_number(int64_t{1} << 62);
  response.set_rows(3);
  response.mutable_rejected()->add_causes()->set_reason("BAD_ROW");
  response.set_credit(-1);  // Ten bytes long.
  response.set_table(table);
  return response;
}

std::string ReasonOfSplit(const std::string& bytes) {
  return ReasonOf(Split(InPieces(bytes, 3)).status());
}

TEST(TableBytes, SplitsWhereverTheSlicesEnd) {
  const std::string table(1000, 'x');
  const std::string bytes = SomeResponse(table).SerializeAsString();
  pb::ProcessResponse header = SomeResponse("");
  for (size_t piece = 1; piece < 60; ++piece) {
    const auto split = Split(InPieces(bytes, piece));
    ASSERT_TRUE(split.ok()) << piece;
    EXPECT_EQ(split->header, header.SerializeAsString()) << piece;
    EXPECT_EQ(*split->table.TableString(), table) << piece;
    EXPECT_EQ(split->table.size(), 1000) << piece;
    EXPECT_EQ(absl::StrJoin(split->table.Pieces(), ""), table) << piece;
  }
}

TEST(TableBytes, HasNoPiecesWithoutATable) {
  EXPECT_TRUE(TableBytes().Pieces().empty());
}

TEST(TableBytes, JoinsANewHeaderToAnOldTable) {
  std::string table("table\0bytes", 11);
  const auto split =
      Split(InPieces(SomeResponse(table).SerializeAsString(), 7));
  pb::ProcessRequest request;
  request.mutable_id()->set_attempt(2);
  request.set_artifact("abc");
  pb::ProcessRequest joined;
  ASSERT_TRUE(joined.ParseFromString(
      Flatten(Join(request.SerializeAsString(), split->table))));
  EXPECT_EQ(joined.table(), table);
  EXPECT_EQ(joined.artifact(), "abc");
  EXPECT_EQ(joined.id().attempt(), 2);
}

TEST(TableBytes, JoinSharesTheBytesAndCopiesNone) {
  const TableBytes table = TableBytes::FromTable(std::string(1 << 20, 'x'));
  std::vector<grpc::Slice> one;
  std::vector<grpc::Slice> two;
  ASSERT_TRUE(Join("", table).Dump(&one).ok());
  ASSERT_TRUE(Join("", TableBytes(table)).Dump(&two).ok());
  EXPECT_EQ(one.back().begin(), two.back().begin());
}

TEST(TableBytes, AMadeTableReadsAsTheFieldWouldBeWritten) {
  pb::FitRequest request;
  request.set_table("rows");
  EXPECT_EQ(Flatten(Join("", TableBytes::FromTable("rows"))),
            request.SerializeAsString());
}

TEST(TableBytes, NoTableIsNoField) {
  const auto split = Split(InPieces(SomeResponse("").SerializeAsString(), 5));
  ASSERT_TRUE(split.ok());
  EXPECT_TRUE(split->table.empty());
  EXPECT_EQ(Flatten(Join("h", split->table)), "h");
  EXPECT_EQ(Flatten(Join("h", TableBytes::FromTable(""))), "h");
  EXPECT_EQ(*TableBytes().TableString(), "");
}

TEST(TableBytes, AnEmptyMessageHasNeither) {
  const auto split = Split(grpc::ByteBuffer(nullptr, 0));
  ASSERT_TRUE(split.ok());
  EXPECT_EQ(split->header, "");
}

TEST(TableBytes, RefusesAnythingAfterTheTable) {
  const std::string whole = SomeResponse("table").SerializeAsString();
  EXPECT_EQ(ReasonOfSplit(whole + whole), "BAD_MESSAGE");
  EXPECT_EQ(ReasonOfSplit(whole + std::string("\x10\x01", 2)), "BAD_MESSAGE");
  EXPECT_EQ(ReasonOfSplit(whole + "x"), "BAD_MESSAGE");
}

TEST(TableBytes, RefusesATableThatIsCutOff) {
  const std::string whole = SomeResponse("table").SerializeAsString();
  for (size_t cut = 1; cut <= 7; ++cut)
    EXPECT_EQ(ReasonOfSplit(whole.substr(0, whole.size() - cut)), "BAD_MESSAGE")
        << cut;
}

TEST(TableBytes, RefusesMalformedFields) {
  const std::string huge = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  const std::vector<std::string> malformed = {
      "\x0a",                                          // A length is missing.
      "\x0a\x05xx",                                    // Too short.
      "\x0a" + huge,                                   // Longer than anything.
      "\x0a" + huge + "x",                             //
      "\x10",                                          // A number is missing.
      "\x10" + std::string(11, '\xff'),                // It never ends.
      "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",  // Over 64 bits.
      "\x09xxxxxxx",                                   // 7 of 8 bytes.
      "\x0dxxx",                                       // 3 of 4 bytes.
      "\x0b\x0c",                                      // A group.
      "\x0e",                                          // No such wire type.
      std::string("\x00", 1),                          // Field 0.
      huge,                                            // No such field number.
      "\xc0\x3e\x01",     // Field 1000 as a number.
      "\xc2\x3e",         // Its length is missing.
      "\xc2\x3e" + huge,  // Its length is too long.
  };
  for (const std::string& bytes : malformed)
    EXPECT_EQ(ReasonOfSplit(bytes), "BAD_MESSAGE")
        << testing::PrintToString(bytes);
}

TEST(TableBytes, SurvivesAnyBytes) {
  std::mt19937 random(7);
  const std::string whole = SomeResponse("table").SerializeAsString();
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole;
    for (int j = 0; j < 3; ++j)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto split = Split(InPieces(bytes, 1 + random() % 9));
    if (!split.ok()) continue;
    // What it takes must lose nothing.
    EXPECT_EQ(Flatten(Join(split->header, split->table)).size(), bytes.size());
  }
}

}  // namespace
}  // namespace troupe
