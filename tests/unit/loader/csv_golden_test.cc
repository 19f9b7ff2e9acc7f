// The loader against pandas: files, types and values of tests/golden/csv, as
// make_csv_golden.py left them.
#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

constexpr char kFolder[] = "tests/golden/csv";

namespace dom = simdjson::dom;

std::string Text(const dom::element& element) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return "";
  return std::string(text);
}

pb::CsvOptions OptionsOf(const dom::object& dialect) {
  pb::CsvOptions csv;
  for (const auto [key, value] : dialect) {
    bool flag = false;
    const bool is_flag = value.get(flag) == simdjson::SUCCESS;
    if (key == "delimiter") csv.set_delimiter(Text(value));
    if (key == "decimal") csv.set_decimal(Text(value));
    if (key == "quote") csv.set_quote(Text(value));
    if (key == "escape") csv.set_escape(Text(value));
    if (key == "encoding") csv.set_encoding(Text(value));
    if (key == "thousands") csv.set_thousands(Text(value));
    int64_t number = 0;
    if (key == "skip_rows" && value.get(number) == simdjson::SUCCESS)
      csv.set_skip_rows(static_cast<int32_t>(number));
    if (key == "skip_initial_space" && is_flag)
      csv.set_skip_initial_space(flag);
    for (const auto& [name, words] :
         {std::pair{"names", csv.mutable_names()},
          {"true_values", csv.mutable_true_values()},
          {"false_values", csv.mutable_false_values()}})
      if (key == name)
        for (const dom::element word : dom::array(value))
          *words->Add() = Text(word);
    if (key == "comment") csv.set_comment(Text(value));
    if (key == "header" && is_flag) csv.set_header(flag);
    if (key == "keep_default_na" && is_flag) csv.set_keep_default_na(flag);
    if (key == "na_values")
      for (const dom::element word : dom::array(value))
        csv.add_na_values(Text(word));
  }
  return csv;
}

void ExpectEqual(const std::string& file, const WholeInput& read,
                 const dom::array& columns) {
  ASSERT_EQ(read.names.size(), columns.size()) << file;
  size_t k = 0;
  for (const dom::object column : columns) {
    EXPECT_EQ(read.names[k], Text(column["name"])) << file;
    EXPECT_EQ(read.types[k], Text(column["type"])) << file << " " << k;
    const dom::array values = column["values"];
    ASSERT_EQ(read.rows.size(), values.size()) << file;
    size_t i = 0;
    for (const dom::element value : values) {
      EXPECT_EQ(read.rows[i][k], Text(value))
          << file << " row " << i << " column " << read.names[k];
      ++i;
    }
    ++k;
  }
}

TEST(CsvGolden, TypesAndValuesAreThoseOfPandas) {
  LoaderOptions options;
  options.roots = {kFolder};
  Loader loader(options);
  ASSERT_TRUE(loader.OnStart().ok());
  dom::parser parser;
  size_t cases = 0;
  for (const dom::object expected :
       dom::array(parser.load(absl::StrCat(kFolder, "/cases.json")))) {
    const std::string file = Text(expected["file"]);
    pb::Source source = SourceAt(file);
    *source.mutable_csv() = OptionsOf(expected["csv"]);
    for (const int64_t split_bytes : {0, 20}) {
      const absl::StatusOr<WholeInput> read =
          ReadAll(loader, source, split_bytes);
      ASSERT_TRUE(read.ok()) << file << read.status();
      ExpectEqual(file, *read, expected["columns"]);
    }
    ++cases;
  }
  EXPECT_GE(cases, 40U);
}

}  // namespace
}  // namespace troupe::loader
