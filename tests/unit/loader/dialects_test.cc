// Every dialect there is: refused, or read alike by blocks and by the scalar
// machine.
#include <random>
#include <tuple>

#include "absl/strings/ascii.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/loader/source_spec.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::StartsWith;

absl::Status Check(const pb::CsvOptions& csv) {
  pb::Source source;
  source.set_format(pb::CSV);
  *source.mutable_csv() = csv;
  return ResolveDialect(source, "").status();
}

bool Accepted(const pb::CsvOptions& csv) { return Check(csv).ok(); }

// Plan and loads of `text`, serialized.
std::string AnswersOf(Loader& loader, const pb::Source& source,
                      const std::string& text) {
  pb::PlanRequest plan;
  *plan.mutable_source() = source;
  plan.mutable_inline_text()->set_text(text);
  plan.mutable_inline_text()->set_last(true);
  plan.mutable_inline_text()->set_name("t.csv");
  const auto planned = loader.Plan(plan, NoContext());
  if (!planned.ok()) return Failure(planned);
  std::string answers = planned->ShortDebugString();
  for (const pb::Split& split : planned->splits()) {
    pb::LoadRequest load =
        LoadRequestFor(source, split, planned->schema(), planned->schema());
    *load.mutable_inline_text() = plan.inline_text();
    load.mutable_inline_text()->set_offset(split.offset());
    load.mutable_inline_text()->set_text(
        text.substr(static_cast<size_t>(split.offset()),
                    static_cast<size_t>(split.bytes())));
    const auto loaded = loader.Load(load, NoContext());
    answers += loaded.ok() ? loaded->SerializeAsString() : Failure(loaded);
  }
  return answers;
}

class Readers {
 public:
  Readers() {
    for (const SimdLevel level :
         {SimdLevel::kNone, SimdLevel::kSse2, BestSimdLevel()}) {
      LoaderOptions options;
      options.roots = {"."};
      options.simd = level;
      loaders_.push_back(std::make_unique<Loader>(options));
      EXPECT_TRUE(loaders_.back()->OnStart().ok());
    }
  }

  void ExpectAlike(const pb::CsvOptions& csv, const std::string& text) {
    pb::Source source;
    source.set_format(pb::CSV);
    *source.mutable_csv() = csv;
    const std::string scalar = AnswersOf(*loaders_[0], source, text);
    for (size_t i = 1; i < loaders_.size(); ++i)
      ASSERT_EQ(AnswersOf(*loaders_[i], source, text), scalar)
          << csv.ShortDebugString() << "\n"
          << text;
  }

 private:
  std::vector<std::unique_ptr<Loader>> loaders_;
};

// Rows of what a dialect might confuse: its characters, digits, signs, blanks.
std::string TextFor(std::mt19937& random, const pb::CsvOptions& csv) {
  const std::string delimiter = csv.delimiter();
  const std::string quote = csv.quote();
  const std::vector<std::string> fields = {
      "1",
      "-2",
      "3" + csv.decimal() + "5",
      "",
      "true",
      "x y",
      " 7",
      "NA",
      "+" + csv.decimal() + "5",
      "1e3",
      csv.decimal(),
      "-",
      quote + "8" + quote,
      quote + "p" + delimiter + "q" + quote,
      quote + quote + quote + quote,
      "a" + quote,
      quote + "\n" + quote,
      " ",
      csv.comment(),
      csv.escape() + delimiter,
      csv.escape() + "n",
      "1" + csv.thousands() + "234",
      "12345678901234567890",
      "\t"};
  std::string text = "a" + delimiter + "b" + delimiter + "c\n";
  for (int row = 0; row < 24; ++row) {
    for (int column = 0; column < 3; ++column)
      absl::StrAppend(&text, column > 0 ? delimiter : "",
                      random() % 3 == 0 ? fields[random() % fields.size()]
                                        : absl::StrCat(random() % 1000));
    text += random() % 5 == 0 ? "\r\n" : "\n";
  }
  return text;
}

std::vector<std::string> AllCharacters() {
  std::vector<std::string> all;
  for (int c = 0; c < 128; ++c) all.emplace_back(1, static_cast<char>(c));
  all.emplace_back("");
  return all;
}

TEST(Dialects, ThoseThatAreAcceptedAreReadAlike) {
  std::mt19937 random(11);
  Readers readers;
  const std::vector<std::string> all = AllCharacters();
  int accepted = 0;
  for (const std::string& delimiter : all) {
    for (const std::string& quote : all) {
      pb::CsvOptions csv;
      csv.set_delimiter(delimiter);
      csv.set_quote(quote);
      if (!Accepted(csv)) continue;
      ++accepted;
      // The others of each role in turn, over all pairs of these.
      for (const auto set :
           {&pb::CsvOptions::set_decimal<const std::string&>,
            &pb::CsvOptions::set_comment<const std::string&>,
            &pb::CsvOptions::set_escape<const std::string&>,
            &pb::CsvOptions::set_thousands<const std::string&>}) {
        pb::CsvOptions more = csv;
        (more.*set)(std::string(all[random() % all.size()]));
        if (Accepted(more)) csv = more;
      }
      csv.set_skip_initial_space(random() % 3 == 0);
      if (random() % 4 == 0) csv.add_na_values("3.5");
      if (random() % 4 == 0) csv.add_true_values("x y");
      if (csv.decimal().empty()) csv.set_decimal(".");
      if (!Accepted(csv)) continue;
      readers.ExpectAlike(csv, TextFor(random, csv));
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(accepted, 1000);
}

// Each character in each role, whatever it is.
TEST(Dialects, ASenselessCharacterIsRefused) {
  for (int i = 1; i < 128; ++i) {
    const char c = static_cast<char>(i);
    const bool mark = absl::ascii_ispunct(c) && c != '+' && c != '-';
    const auto accepted = [&](auto set) {
      pb::CsvOptions csv;
      csv.set_delimiter(c == '|' ? ";" : "|");
      csv.set_quote("");
      csv.set_decimal(c == '.' ? "," : ".");
      set(csv, std::string(1, c));
      return Accepted(csv);
    };
    EXPECT_EQ(accepted([](auto& csv, auto s) { csv.set_decimal(s); }), mark)
        << i;
    EXPECT_EQ(accepted([](auto& csv, auto s) { csv.set_quote(s); }), mark) << i;
    EXPECT_EQ(accepted([](auto& csv, auto s) { csv.set_comment(s); }), mark)
        << i;
    EXPECT_EQ(accepted([](auto& csv, auto s) { csv.set_escape(s); }), mark)
        << i;
    EXPECT_EQ(accepted([](auto& csv, auto s) { csv.set_thousands(s); }),
              mark || c == ' ')
        << i;
    EXPECT_EQ(accepted([](auto& csv, auto s) { csv.set_delimiter(s); }),
              !absl::ascii_isalnum(c) && c != '\n' && c != '\r')
        << i;
  }
}

TEST(Dialects, OneCharacterCannotMeanTwoThings) {
  pb::CsvOptions csv;
  csv.set_escape("\"");
  EXPECT_THAT(std::string(Check(csv).message()),
              StartsWith("source.csv.escape: the same character as quote"));
  csv.Clear();
  csv.set_thousands(".");
  EXPECT_FALSE(Accepted(csv));
  csv.set_decimal(",");
  EXPECT_FALSE(Accepted(csv));
  csv.set_delimiter(";");
  EXPECT_TRUE(Accepted(csv));
  csv.Clear();
  csv.set_thousands(",");
  EXPECT_TRUE(Accepted(csv));  // Such numbers are quoted.
  csv.set_quote("");
  EXPECT_FALSE(Accepted(csv));
}

TEST(Dialects, WordsMustBeDifferent) {
  pb::CsvOptions csv;
  csv.add_names("a");
  csv.add_names("a");
  EXPECT_FALSE(Accepted(csv));
  csv.Clear();
  csv.add_true_values("y");
  csv.add_false_values("y");
  EXPECT_FALSE(Accepted(csv));
  csv.Clear();
  csv.set_skip_rows(-1);
  EXPECT_FALSE(Accepted(csv));
}

}  // namespace
}  // namespace troupe::loader
