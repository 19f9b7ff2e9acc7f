#include "services/table/column_builder.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "services/table/wire.h"

namespace troupe {
namespace {

// Appends runs of 1 to 64 values to one column, and the same values one by one
// to another.
struct Pair {
  explicit Pair(DataType type) : runs(type), singles(type) {}

  void AppendDoubles(const std::vector<double>& values, uint64_t valid) {
    runs.AppendDoubles(values.data(), valid, static_cast<int>(values.size()));
    for (size_t i = 0; i < values.size(); ++i)
      (valid >> i & 1) != 0 ? singles.AppendDouble(values[i])
                            : singles.AppendNull();
  }
  void AppendInt64s(const std::vector<int64_t>& values, uint64_t valid) {
    runs.AppendInt64s(values.data(), valid, static_cast<int>(values.size()));
    for (size_t i = 0; i < values.size(); ++i)
      (valid >> i & 1) != 0 ? singles.AppendInt64(values[i])
                            : singles.AppendNull();
  }
  void PopBack() {
    runs.PopBack();
    singles.PopBack();
  }
  void ExpectEqual() { EXPECT_EQ(Bytes(runs), Bytes(singles)); }

  // Values, bitmap and number of nulls, as they go over the wire.
  static std::string Bytes(ColumnBuilder& builder) {
    Table table;
    table.rows = builder.rows();
    table.columns.push_back(builder.Finish());
    table.schema = {{"x", table.columns[0].type()}};
    return SerializeTable(std::move(table)).value();
  }

  ColumnBuilder runs;
  ColumnBuilder singles;
};

TEST(ColumnBuilder, RunsOfNumbersAreTheSameAsSingleOnes) {
  std::mt19937_64 random(5);
  for (int turn = 0; turn < 200; ++turn) {
    Pair doubles(pb::FLOAT64);
    Pair ints(pb::INT64);
    // None missing, few, half or all; what lies beyond the run is anything.
    const uint64_t forced = turn % 4 == 0 ? ~uint64_t{0} : 0;
    for (int run = 0; run < 12; ++run) {
      const size_t count = 1 + random() % 64;
      uint64_t valid = random() | forced;
      if (turn % 4 == 1) valid |= random() | random() | random();
      if (turn % 4 == 2 && run < 6) valid = ~uint64_t{0};
      if (turn % 4 == 3 && run == 3) valid = 0;
      std::vector<double> numbers(count);
      std::vector<int64_t> wholes(count);
      for (size_t i = 0; i < count; ++i) {
        wholes[i] = static_cast<int64_t>(random());
        numbers[i] = static_cast<double>(wholes[i]);
        // What is missing is 0 in a column of int64.
        if ((valid >> i & 1) == 0) wholes[i] = 7;
      }
      doubles.AppendDoubles(numbers, valid);
      ints.AppendInt64s(wholes, valid);
      if (random() % 4 == 0) {
        doubles.PopBack();
        ints.PopBack();
      }
    }
    doubles.ExpectEqual();
    ints.ExpectEqual();
  }
}

}  // namespace
}  // namespace troupe
