// scikit-learn's values and names, from tests/golden/preprocess.golden.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "services/table/column_builder.h"
#include "tests/unit/preprocessor/fit_loop.h"

namespace troupe::preprocessor {
namespace {

struct ExpectedColumn {
  std::string name;
  std::vector<std::string> cells;
};

struct GoldenCase {
  std::string name;
  std::string params;
  TableMaker train;
  TableMaker score;
  std::vector<ExpectedColumn> expected;
};

std::string Unescaped(const std::string& text) {
  std::string plain;
  EXPECT_TRUE(absl::CUnescape(text, &plain)) << text;
  return plain;
}

Column ReadColumn(const std::vector<std::string>& fields) {
  const std::string& type = fields[2];
  ColumnBuilder builder(type == "bool"     ? pb::BOOL
                        : type == "int64"  ? pb::INT64
                        : type == "string" ? pb::STRING
                                           : pb::FLOAT64);
  for (size_t i = 3; i < fields.size(); ++i) {
    const double number = std::strtod(fields[i].c_str(), nullptr);
    if (fields[i] == "~") {
      builder.AppendNull();
    } else if (type == "bool") {
      builder.AppendBool(number != 0);
    } else if (type == "int64") {
      builder.AppendInt64(static_cast<int64_t>(number));
    } else if (type == "string") {
      builder.AppendText(Unescaped(fields[i].substr(1)));
    } else {
      builder.AppendDouble(number);
    }
  }
  return builder.Finish();
}

std::vector<GoldenCase> ReadCases() {
  std::ifstream file("tests/golden/preprocess.golden");
  std::vector<GoldenCase> cases;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    if (fields[0] == "case") {
      cases.emplace_back();
      cases.back().name = fields[1];
    } else if (fields[0] == "params") {
      cases.back().params = fields[1];
    } else if (fields[0] == "expect") {
      cases.back().expected.push_back(
          {Unescaped(fields[1]), {fields.begin() + 2, fields.end()}});
    } else {
      TableMaker& maker =
          fields[0] == "train" ? cases.back().train : cases.back().score;
      maker.Add(Unescaped(fields[1]), ReadColumn(fields));
    }
  }
  return cases;
}

double NumberOf(const std::string& cell) {
  return cell == "~" ? std::numeric_limits<double>::quiet_NaN()
                     : std::strtod(cell.c_str(), nullptr);
}

double LargestOf(const ExpectedColumn& column) {
  double largest = 0;
  for (const std::string& cell : column.cells)
    if (cell[0] != '~' && cell[0] != '=')
      largest = std::max(largest, std::fabs(NumberOf(cell)));
  return largest;
}

// Whether a value is the expected one to 12 digits. Beside a mean, digits
// cancel, in scikit-learn's results as in ours: there 13 digits of the column's
// largest value must agree.
::testing::AssertionResult Agrees(const Column& column, int64_t row,
                                  const std::string& cell, double largest) {
  if (column.type() == pb::STRING) {
    const std::string text(column.text(row));
    if (cell == "~" ? column.IsNull(row) : text == Unescaped(cell.substr(1)))
      return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << text << " instead of " << cell;
  }
  const double value = column.AsDouble(row);
  const double wanted = NumberOf(cell);
  if (std::isnan(value) && std::isnan(wanted))
    return ::testing::AssertionSuccess();
  if (std::fabs(value - wanted) <= 1e-12 * std::fabs(wanted) + 1e-13 * largest)
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << value << " instead of " << wanted << ", off by "
         << std::fabs(value - wanted) / std::fabs(wanted);
}

void ExpectGolden(const GoldenCase& golden, FitLoop::Options options) {
  SCOPED_TRACE(golden.name);
  FitLoop loop(Params(golden.params), options);
  const absl::Status fitted = loop.Fit(golden.train.Make());
  ASSERT_TRUE(fitted.ok()) << fitted;
  const absl::StatusOr<Table> table = loop.Transform(golden.score.Make());
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->rows, golden.score.Make().rows);
  ASSERT_EQ(table->schema.size(), golden.expected.size());
  for (size_t i = 0; i < golden.expected.size(); ++i) {
    const ExpectedColumn& expected = golden.expected[i];
    ASSERT_EQ(table->schema[i].name, expected.name);
    for (int64_t row = 0; row < table->rows; ++row)
      ASSERT_TRUE(Agrees(table->columns[i], row,
                         expected.cells[static_cast<size_t>(row)],
                         LargestOf(expected)))
          << expected.name << " row " << row;
  }
}

TEST(Golden, HasCases) { EXPECT_GT(ReadCases().size(), 40u); }

TEST(Golden, OneBatchAgreesWithScikitLearn) {
  for (const GoldenCase& golden : ReadCases())
    ExpectGolden(golden, FitLoop::Options());
}

TEST(Golden, ManyBatchesAgreeWithScikitLearn) {
  for (const GoldenCase& golden : ReadCases())
    ExpectGolden(golden, {.batch_rows = 7, .group = 3, .replicas = 3});
}

}  // namespace
}  // namespace troupe::preprocessor
