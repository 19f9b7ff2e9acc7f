#include "services/model/label_set.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/number_text.h"
#include "services/table/table_text.h"
#include "services/table/utf8.h"

namespace troupe::model {
namespace {

constexpr int kMissing = -1;
constexpr int kUnseen = -2;
constexpr size_t kMaxLabelBytes = 4096;

// Written as the printer writes a value of the type.
std::string NumberLabel(DataType type, int64_t number) {
  if (type == pb::BOOL) return number != 0 ? "True" : "False";
  return absl::StrCat(number, type == pb::FLOAT64 ? ".0" : "");
}

bool ReadNumberLabel(DataType type, absl::string_view name, int64_t& number) {
  if (type == pb::BOOL) {
    number = name == "True" ? 1 : 0;
  } else {
    absl::string_view digits = name;
    if (type == pb::FLOAT64) absl::ConsumeSuffix(&digits, ".0");
    if (!absl::SimpleAtoi(digits, &number)) return false;
  }
  return NumberLabel(type, number) == name;
}

// Whether row `i` (present, not text) is a whole number that int64 holds.
bool WholeNumber(const Column& column, int64_t i, int64_t& number) {
  if (column.type() == pb::BOOL) {
    number = column.boolean(i) ? 1 : 0;
    return true;
  }
  if (column.type() == pb::INT64) {
    number = column.int64s()[static_cast<size_t>(i)];
    return true;
  }
  const double value = column.doubles()[static_cast<size_t>(i)];
  if (!(std::abs(value) < 9.2e18) || value != std::floor(value)) return false;
  number = static_cast<int64_t>(value);
  return true;
}

absl::Status NotALabel(std::string what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "TARGET_NOT_A_LABEL",
                   std::move(what));
}

// Whether JSON spells a number or bool so.
bool IsJsonLiteral(absl::string_view name) {
  return name == "true" || name == "false" || IsJsonNumber(name);
}

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(T));
}

}  // namespace

absl::StatusOr<LabelSet> LabelSet::FromNames(DataType type,
                                             std::vector<std::string> names,
                                             std::vector<int64_t> values) {
  if (!IsFileType(type)) return ArtifactCorrupt("labels of an unknown type");
  LabelSet set;
  set.type_ = type;
  set.column_type_ = type;
  if (type == pb::STRING) {
    for (size_t i = 0; i < names.size(); ++i) {
      if (i > 0 && names[i - 1] >= names[i])
        return ArtifactCorrupt("labels are not in order");
      set.texts_.emplace(names[i], static_cast<int>(i));
    }
    set.names_ = std::move(names);
    return set;
  }
  const bool spelled = !values.empty();
  if (!spelled) values.resize(names.size());
  if (values.size() != names.size())
    return ArtifactCorrupt("labels and their values differ in number");
  for (size_t i = 0; i < names.size(); ++i) {
    if (!spelled && !ReadNumberLabel(type, names[i], values[i]))
      return ArtifactCorrupt("a label is not of the labels' type");
    if (i > 0 && values[i - 1] >= values[i])
      return ArtifactCorrupt("labels are not in order");
    if (!IsUtf8(names[i])) return ArtifactCorrupt("a label is not UTF-8");
    if (NumberLabel(type, values[i]) != names[i]) set.column_type_ = pb::JSON;
    set.values_.emplace(values[i], static_cast<int>(i));
  }
  set.names_ = std::move(names);
  set.numbers_ = std::move(values);
  return set;
}

std::vector<int> LabelSet::Encode(const Column& column) const {
  std::vector<int> classes(static_cast<size_t>(column.rows()), kUnseen);
  for (int64_t i = 0; i < column.rows(); ++i) {
    int& found = classes[static_cast<size_t>(i)];
    if (column.IsNull(i)) {
      found = kMissing;
    } else if (column.type() == pb::STRING && type_ == pb::STRING) {
      const auto entry = texts_.find(column.text(i));
      if (entry != texts_.end()) found = entry->second;
    } else if (column.type() != pb::STRING && type_ != pb::STRING) {
      int64_t number = 0;
      if (!WholeNumber(column, i, number)) continue;
      const auto entry = values_.find(number);
      if (entry != values_.end()) found = entry->second;
    }
  }
  return classes;
}

Column LabelSet::DecodeText(const std::vector<int>& classes) const {
  std::vector<int32_t> offsets = {0};
  std::string text;
  for (const std::string& name : names_) {
    if (column_type_ == pb::JSON && !IsJsonLiteral(name))
      AppendJsonString(name, &text);
    else
      text += name;
    offsets.push_back(static_cast<int32_t>(text.size()));
  }
  const std::vector<int32_t> codes(classes.begin(), classes.end());
  return Column::FromBuffers(column_type_, static_cast<int64_t>(classes.size()),
                             0, "", BytesOf(offsets), BytesOf(codes),
                             std::move(text),
                             /*dictionary_encoded=*/true);
}

Column LabelSet::Decode(const std::vector<int>& classes) const {
  if (IsText(column_type_)) return DecodeText(classes);
  const int64_t rows = static_cast<int64_t>(classes.size());
  if (type_ == pb::BOOL) {
    std::string bits((classes.size() + 7) / 8, '\0');
    for (size_t i = 0; i < classes.size(); ++i) {
      const int64_t value = numbers_[static_cast<size_t>(classes[i])];
      if (value != 0) bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << i % 8);
    }
    return Column::FromBuffers(pb::BOOL, rows, 0, "", "", std::move(bits));
  }
  std::string values(classes.size() * sizeof(int64_t), '\0');
  for (size_t i = 0; i < classes.size(); ++i) {
    const int64_t number = numbers_[static_cast<size_t>(classes[i])];
    const double real = static_cast<double>(number);
    std::memcpy(&values[i * sizeof(int64_t)],
                type_ == pb::FLOAT64 ? static_cast<const void*>(&real)
                                     : static_cast<const void*>(&number),
                sizeof(int64_t));
  }
  return Column::FromBuffers(type_, rows, 0, "", "", std::move(values));
}

std::string LabelText(const Column& column, int64_t i) {
  if (column.type() == pb::STRING) return std::string(column.text(i));
  int64_t number = 0;
  if (WholeNumber(column, i, number)) return NumberLabel(column.type(), number);
  return absl::StrCat(column.AsDouble(i));
}

std::string NameLabels(const std::vector<std::string>& labels) {
  constexpr size_t kNamed = 10;
  std::vector<std::string> quoted;
  for (size_t i = 0; i < std::min(kNamed, labels.size()); ++i)
    quoted.push_back(
        absl::StrCat("\"", absl::Utf8SafeCEscape(labels[i]), "\""));
  const size_t more = labels.size() - quoted.size();
  return absl::StrCat(labels.size() == 1 ? "label " : "labels ",
                      absl::StrJoin(quoted, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

absl::StatusOr<int> LabelCollector::Add(const Column& column, int64_t i,
                                        const Column* text, int limit) {
  const bool is_text = type_ == pb::STRING;
  int64_t number = 0;
  if (is_text) {
    const auto entry = texts_.find(column.text(i));
    if (entry != texts_.end()) return entry->second;
  } else {
    if (!WholeNumber(column, i, number))
      return NotALabel(absl::StrCat("is ", column.AsDouble(i),
                                    "; labels are text, bools or whole "
                                    "numbers (use the objective regression "
                                    "to predict numbers)"));
    const auto entry = numbers_.find(number);
    if (entry != numbers_.end()) return entry->second;
  }
  if (is_text) text = &column;
  std::string name = text == nullptr || text->IsNull(i)
                         ? NumberLabel(type_, number)
                         : std::string(text->text(i));
  if (name.size() > kMaxLabelBytes)
    return NotALabel(absl::StrCat("is a text of ", name.size(),
                                  " bytes; labels have at most ",
                                  kMaxLabelBytes));
  if (size() == limit)
    return MakeError(
        absl::StatusCode::kInvalidArgument, "TOO_MANY_LABELS",
        limit == 2 ? std::string("has more than two different values; use the "
                                 "objective multiclass")
                   : absl::StrCat("has more than ", limit,
                                  " different values; is it a number to "
                                  "predict by regression?"));
  const int added = size();
  if (is_text)
    texts_.emplace(name, added);
  else
    numbers_.emplace(number, added);
  names_.push_back(std::move(name));
  return added;
}

absl::StatusOr<LabelSet> LabelCollector::Finish(std::vector<int>& order) const {
  std::vector<std::string> names;
  std::vector<int64_t> values;
  order.assign(static_cast<size_t>(size()), 0);
  const auto place = [&](const auto& labels) {
    std::vector<
        std::pair<typename std::decay_t<decltype(labels)>::key_type, int>>
        sorted(labels.begin(), labels.end());
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [label, number] : sorted) {
      order[static_cast<size_t>(number)] = static_cast<int>(names.size());
      names.push_back(names_[static_cast<size_t>(number)]);
      if constexpr (std::is_same_v<std::decay_t<decltype(label)>, int64_t>)
        values.push_back(label);
    }
  };
  if (type_ == pb::STRING)
    place(texts_);
  else
    place(numbers_);
  return LabelSet::FromNames(type_, std::move(names), std::move(values));
}

}  // namespace troupe::model
