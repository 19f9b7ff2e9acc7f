// The whole loader by blocks against the whole loader by the scalar machine:
// the same plans, tables, rejected rows and errors, to the byte.
#include <cstdlib>
#include <cstring>
#include <random>

#include "gtest/gtest.h"
#include "services/loader/formats/number.h"
#include "services/loader/formats/plain_numbers.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

struct Reading {
  pb::Source source;
  int64_t split_bytes = 0;
  bool target = false;  // The first column is the target, the second a weight.
};

pb::Schema RolesOf(pb::Schema schema, const Reading& reading) {
  if (!reading.target || schema.fields_size() < 2) return schema;
  schema.mutable_fields(0)->set_role(pb::TARGET);
  schema.mutable_fields(1)->set_role(pb::WEIGHT);
  return schema;
}

// Everything that plan and loads answer, serialized.
std::string AllAnswers(SimdLevel simd, const std::string& root,
                       const Reading& reading) {
  LoaderOptions options;
  options.roots = {root};
  options.simd = simd;
  Loader loader(options);
  if (!loader.OnStart().ok()) std::abort();
  pb::PlanRequest request = PlanRequestFor(reading.source, reading.split_bytes);
  const absl::StatusOr<WholePlan> plan = PlanAll(loader, request);
  if (!plan.ok()) return Failure(plan);
  std::string answers = plan->last.schema().ShortDebugString();
  for (const int64_t missing : plan->last.missing())
    absl::StrAppend(&answers, " ", missing);
  for (const pb::Split& split : plan->splits) {
    absl::StrAppend(&answers, "\n", split.ShortDebugString());
    pb::LoadRequest load =
        LoadRequestFor(reading.source, split, plan->last.schema(),
                       RolesOf(plan->last.schema(), reading));
    load.set_target_required(reading.target);
    const auto response = loader.Load(load, NoContext());
    absl::StrAppend(
        &answers, "\n",
        response.ok() ? response->SerializeAsString() : Failure(response));
  }
  return answers;
}

void ExpectSameAnswers(const InputFolder& folder, const std::string& text,
                       Reading reading) {
  reading.source.set_path(folder.Write("t.csv", text));
  const std::string root = folder.path().string();
  const std::string expected = AllAnswers(SimdLevel::kNone, root, reading);
  ASSERT_EQ(AllAnswers(SimdLevel::kSse2, root, reading), expected) << text;
  ASSERT_EQ(AllAnswers(BestSimdLevel(), root, reading), expected) << text;
}

template <size_t N>
std::string OneOf(std::mt19937& random, const std::array<const char*, N>& all) {
  return all[random() % N];
}

constexpr std::array<const char*, 30> kNumbers = {"0",
                                                  "-1",
                                                  "17",
                                                  "+3",
                                                  "1.5",
                                                  "-0.0",
                                                  ".5",
                                                  "5.",
                                                  "-.25",
                                                  "1e3",
                                                  "2E-4",
                                                  " 7",
                                                  "8 ",
                                                  "\"9\"",
                                                  "\"1.5\"",
                                                  "9007199254740993",
                                                  "0.1234567890123456",
                                                  "12345678901234567",
                                                  "9223372036854775808",
                                                  "inf",
                                                  "-Infinity",
                                                  "00012",
                                                  "1234567.890123",
                                                  "-999999.999999",
                                                  "3.0",
                                                  "9999999999999999",
                                                  "0.0000000000001",
                                                  "-12345678901234.5",
                                                  "1,",
                                                  "4"};
constexpr std::array<const char*, 12> kMissing = {
    "",     "NA",   "nan",  "-NaN", "null", "\"NA\"",
    "\"\"", "None", "-999", "-nan", "#N/A", "n/a"};
constexpr std::array<const char*, 16> kWords = {
    "true",  "FALSE",        "\"true\"", "x",   "-",        ".",       "+",
    "1.2.3", "--1",          "1-",       "a b", "\"\"\"\"", "\"a,b\"", "0x10",
    "1_000", "\"line\nend\""};

// Columns of a kind each, with some of the others among them.
std::string RandomTable(std::mt19937& random, int rows, int strays_in) {
  std::string text = "a,b,c,d,e\n";
  const std::string end = random() % 3 == 0 ? "\r\n" : "\n";
  const auto strays = static_cast<unsigned>(strays_in);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < 5; ++column) {
      const bool stray = random() % strays == 0;
      const uint64_t kind = stray ? random() % 3 : column == 4 ? 2 : 0;
      if (column > 0) text += ',';
      text += kind == 0 && column < 2 ? absl::StrCat(random() % 100'000)
              : kind == 0             ? OneOf(random, kNumbers)
              : kind == 1             ? OneOf(random, kMissing)
                                      : OneOf(random, kWords);
    }
    if (random() % strays == 0) text += OneOf(random, kWords);
    text += end;
  }
  return text;
}

Reading RandomReading(std::mt19937& random) {
  Reading reading;
  reading.target = random() % 2 == 0;
  if (random() % 3 == 0) reading.split_bytes = 1 + random() % 4000;
  pb::CsvOptions& csv = *reading.source.mutable_csv();
  if (random() % 4 == 0) csv.set_quoted_na(false);
  if (random() % 6 == 0) csv.add_na_values("-999");
  if (random() % 6 == 0) csv.set_decimal(";");
  if (random() % 6 == 0) csv.set_comment("#");
  for (const char* name : {"a", "b", "c"})
    if (random() % 3 == 0)
      (*reading.source.mutable_types())[name] =
          static_cast<pb::DataType>(pb::BOOL + random() % 4);
  return reading;
}

TEST(BlockReading, AnswersAsTheScalarMachineOnRandomTables) {
  std::mt19937 random(11);
  const InputFolder folder;
  for (int i = 0; i < 700; ++i) {
    const int rows = static_cast<int>(random() % 300);
    ExpectSameAnswers(folder,
                      RandomTable(random, rows, i % 3 == 0 ? 4 : i % 3 * 200),
                      RandomReading(random));
  }
}

TEST(BlockReading, AnswersAsTheScalarMachineOnRandomBytes) {
  std::mt19937 random(12);
  const InputFolder folder;
  const std::string alphabet("1234567890.-+,,,\n\n\r\"#ae \0\xff\xc3\xa4", 28);
  for (int i = 0; i < 1500; ++i) {
    std::string text = i % 5 == 0 ? "\xef\xbb\xbf"
                                    "a,b,c\n"
                                  : "a,b,c\n";
    const size_t few = i % 4 == 0 ? 28 : 24;  // Without the last: clean.
    for (size_t n = random() % 900; n > 0; --n)
      text += alphabet[random() % few];
    ExpectSameAnswers(folder, text, RandomReading(random));
  }
}

// A number that may well be plain.
std::string RandomNumber(std::mt19937& random) {
  const auto digits = [&](size_t most) {
    std::string text;
    for (size_t n = random() % (most + 1); n > 0; --n)
      text += static_cast<char>('0' + random() % 10);
    return text;
  };
  std::string text = random() % 3 == 0 ? "-" : random() % 20 == 0 ? "+" : "";
  text += digits(random() % 5 == 0 ? 40 : 17);
  if (random() % 4 != 0)
    text += "." + digits(17 - std::min<size_t>(text.size(), 17));
  if (!text.empty() && random() % 30 == 0)
    text[random() % text.size()] = "e.- x/:\xff"[random() % 8];
  return text;
}

TEST(PlainNumbers, AreWhatTheWrapperReads) {
  std::mt19937 random(13);
  const SimdLevel best = BestSimdLevel();
  int64_t taken = 0;
  for (int i = 0; i < 300'000; ++i) {
    const std::string number = RandomNumber(random);
    const std::string text = absl::StrCat(std::string(31, '1'), ".", number);
    const uint32_t edges[] = {31, static_cast<uint32_t>(text.size())};
    const CellColumn cell = {text, edges, 2, 1};
    double expected_double = 0;
    double value = 0;
    if (ReadPlainDoubles(best, cell, '.', &value) != 0) {
      ++taken;
      ASSERT_TRUE(ParseDouble(number, '.', &expected_double)) << number;
      ASSERT_EQ(std::memcmp(&value, &expected_double, sizeof(value)), 0)
          << number << " " << value << " " << expected_double;
    }
    int64_t expected_int64 = 0;
    int64_t whole = 0;
    if (ReadPlainInt64s(best, cell, '.', &whole) != 0) {
      ASSERT_TRUE(ParseInt64(number, &expected_int64)) << number;
      ASSERT_EQ(whole, expected_int64) << number;
    }
    const PlainKinds kinds = ClassifyPlainNumbers(best, cell, '.');
    const NumberKind kind = ClassifyNumber(number, '.');
    ASSERT_TRUE(kinds.integers == 0 || kind == NumberKind::kInt64) << number;
    ASSERT_TRUE(kinds.fractions == 0 || kind == NumberKind::kFraction)
        << number;
  }
  EXPECT_GT(taken, best == SimdLevel::kAvx2 ? 100'000 : -1);
}

}  // namespace
}  // namespace troupe::loader
