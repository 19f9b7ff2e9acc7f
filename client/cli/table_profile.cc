#include "client/cli/table_profile.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/spec/spec_words.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

using google::protobuf::Value;

std::string TextOf(const Value& value) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      return value.string_value();
    case Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case Value::kNumberValue:
      return absl::StrFormat("%.17g", value.number_value());
    default:
      return "";
  }
}

bool IsDecimalComma(absl::string_view text) {
  const size_t comma = text.find(',');
  return comma != absl::string_view::npos &&
         ParseNumber(
             absl::StrCat(text.substr(0, comma), ".", text.substr(comma + 1)))
             .has_value();
}

// Words that tables use for nothing, beside those that are missing anyway.
bool MayMeanMissing(absl::string_view word) {
  static constexpr absl::string_view kWords[] = {"?", "-", "--", ".", "*"};
  return std::find(std::begin(kWords), std::end(kWords),
                   absl::StripAsciiWhitespace(word)) != std::end(kWords);
}

}  // namespace

bool ColumnProfile::is_number() const {
  return type == pb::INT64 || type == pb::FLOAT64;
}
bool ColumnProfile::is_time() const {
  return type == pb::DATE || type == pb::TIMESTAMP;
}

TableProfile::TableProfile(const pb::Report& report) {
  for (const pb::ColumnReport& column : report.columns()) {
    places_[column.name()] = columns.size();
    ColumnProfile& profile = columns.emplace_back();
    profile.name = column.name();
    profile.type = column.type();
    profile.missing = column.missing();
    profile.counts_up = column.type() == pb::INT64;
  }
  last_.resize(columns.size());
}

absl::Status TableProfile::Add(absl::string_view line) {
  google::protobuf::Struct row;
  if (!google::protobuf::util::JsonStringToMessage(std::string(line), &row)
           .ok())
    return MakeError(absl::StatusCode::kInternal, "BAD_MESSAGE",
                     "the coordinator's rows are no JSON");
  ++rows;
  for (const auto& [name, value] : row.fields()) {
    const auto place = places_.find(name);
    if (place == places_.end()) continue;
    ColumnProfile& column = columns[place->second];
    if (value.kind_case() == Value::kNullValue) {
      column.counts_up = false;
      continue;
    }
    const std::string text = TextOf(value);
    std::string& last = last_[place->second];
    int64_t before = 0;
    int64_t now = 0;
    column.counts_up = column.counts_up && absl::SimpleAtoi(text, &now) &&
                       (last.empty() ||
                        (absl::SimpleAtoi(last, &before) && now == before + 1));
    last = text;
    if (column.many) continue;
    int64_t& count = column.values[text];
    if (++count > 1) column.unique = false;
    column.many = column.values.size() > kMaxDistinct;
  }
  return absl::OkStatus();
}

bool NamesLookLikeValues(const TableProfile& table) {
  int numbers = 0;
  for (const ColumnProfile& column : table.columns) {
    const bool number =
        ParseNumber(absl::StripAsciiWhitespace(column.name)).has_value();
    if (number && absl::StrContains(column.name, ".")) return true;
    numbers += number ? 1 : 0;
  }
  return 2 * numbers >= static_cast<int>(table.columns.size()) && numbers > 0;
}

bool AdjustDialect(const TableProfile& table, pb::CsvOptions& csv) {
  bool adjusted = false;
  int texts = 0;
  int spaced = 0;
  for (const ColumnProfile& column : table.columns) {
    if (column.type != pb::STRING || column.values.empty()) continue;
    const auto is_spaced = [](const auto& value) {
      return absl::StartsWith(value.first, " ");
    };
    ++texts;
    spaced += std::all_of(column.values.begin(), column.values.end(), is_spaced)
                  ? 1
                  : 0;
    size_t commas = 0;
    for (const auto& [value, count] : column.values) {
      commas += IsDecimalComma(value) ? 1 : 0;
      const std::string word(absl::StripAsciiWhitespace(value));
      if (!MayMeanMissing(word) || column.values.size() < 2 ||
          std::find(csv.na_values().begin(), csv.na_values().end(), word) !=
              csv.na_values().end())
        continue;
      csv.add_na_values(word);
      adjusted = true;
    }
    if (2 * commas > column.values.size() && csv.decimal().empty() &&
        !csv.delimiter().empty() && csv.delimiter() != ",") {
      csv.set_decimal(",");
      adjusted = true;
    }
  }
  if (spaced > 0 && 2 * spaced >= texts && !csv.has_skip_initial_space()) {
    csv.set_skip_initial_space(true);
    adjusted = true;
  }
  return adjusted;
}

}  // namespace troupe
