#include "services/loader/formats/json_fields.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/loader/text_place.h"
#include "services/table/number_text.h"

namespace troupe::loader {
namespace {

namespace ondemand = simdjson::ondemand;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// The kind of an unquoted scalar; nothing when it is none.
std::optional<Cell::Kind> KindOf(absl::string_view token) {
  if (token == "null") return Cell::Kind::kMissing;
  if (token == "true" || token == "false") return Cell::Kind::kBool;
  if (IsJsonNumber(token)) return Cell::Kind::kNumber;
  return std::nullopt;
}

}  // namespace

JsonRowParser::JsonRowParser(const std::vector<std::string>& columns,
                             std::vector<bool> verbatim)
    : columns_(columns), verbatim_(std::move(verbatim)) {
  for (size_t i = 0; i < columns_.size(); ++i)
    index_.emplace(columns_[i], static_cast<int>(i));
}

JsonRowParser JsonRowParser::Growing(const std::vector<std::string>& columns,
                                     size_t max_columns) {
  JsonRowParser parser(columns, {});
  parser.max_columns_ = max_columns;
  return parser;
}

RowError JsonRowParser::Invalid(simdjson::error_code error) const {
  const absl::string_view record(padded_.data(), record_size_);
  const absl::string_view text = absl::StripAsciiWhitespace(record);
  if (absl::StartsWith(text, "["))
    return {0, "an array, not an object; JSON Lines has one object per line"};
  if (absl::StartsWith(text, "{") && !absl::EndsWith(text, "}"))
    return {0, absl::StrCat("not a whole JSON object, which must stand on one "
                            "line: ",
                            simdjson::error_message(error))};
  return {0,
          absl::StrCat("not a JSON object: ", simdjson::error_message(error))};
}

void JsonRowParser::ForgetColumnsFrom(size_t count) {
  for (size_t i = count; i < columns_.size(); ++i) index_.erase(columns_[i]);
  columns_.resize(count);
}

std::optional<RowError> JsonRowParser::Parse(const Record& record,
                                             std::vector<Cell>* cells) {
  std::optional<RowError> error = ParseMembers(record, &members_);
  if (error.has_value()) return error;
  cells->assign(columns_.size(), Cell());
  for (const Member& member : members_) (*cells)[member.column] = member.cell;
  return std::nullopt;
}

std::optional<RowError> JsonRowParser::ParseMembers(
    const Record& record, std::vector<Member>* members) {
  const size_t columns_before = columns_.size();
  members->clear();
  ++records_;
  expected_ = 0;
  record_size_ = record.text.size();
  padded_.assign(record.text.data(), record.text.size());
  padded_.append(simdjson::SIMDJSON_PADDING, ' ');
  std::optional<RowError> error = ParseObject(members);
  if (error.has_value()) ForgetColumnsFrom(columns_before);
  return error;
}

std::optional<RowError> JsonRowParser::ParseObject(
    std::vector<Member>* members) {
  ondemand::document document;
  simdjson::error_code error =
      parser_.iterate(padded_.data(), record_size_, padded_.size())
          .get(document);
  if (error != simdjson::SUCCESS) return Invalid(error);
  ondemand::object object;
  error = document.get_object().get(object);
  if (error != simdjson::SUCCESS) return Invalid(error);
  for (simdjson::simdjson_result<ondemand::field> field : object) {
    ondemand::field member;
    error = std::move(field).get(member);
    if (error != simdjson::SUCCESS) return Invalid(error);
    std::optional<RowError> bad = ParseMember(member, members);
    if (bad.has_value()) return bad;
  }
  // At its end the document has no location any more.
  if (document.current_location().error() == simdjson::SUCCESS)
    return RowError{0, "text follows the JSON object"};
  return std::nullopt;
}

std::optional<RowError> JsonRowParser::ParseMember(
    ondemand::field field, std::vector<Member>* members) {
  std::string_view key;
  simdjson::error_code error = field.unescaped_key().get(key);
  if (error != simdjson::SUCCESS) return Invalid(error);
  ondemand::value value = field.value();
  const absl::string_view raw = View(value.raw_json_token());
  const auto offset = static_cast<size_t>(raw.data() - padded_.data());
  const int column = FindColumn(View(key));
  const bool verbatim = column >= 0 &&
                        static_cast<size_t>(column) < verbatim_.size() &&
                        verbatim_[static_cast<size_t>(column)];
  Cell cell;
  cell.offset = static_cast<uint32_t>(offset);
  if (raw.front() == '{' || raw.front() == '[') {
    absl::string_view text;
    error = ReadNested(value, &text);
    if (error != simdjson::SUCCESS) return Invalid(error);
    cell.kind = verbatim ? Cell::Kind::kString : Cell::Kind::kNested;
    cell.text = text;
  } else if (raw.front() == '"') {
    std::string_view text;
    error = value.get_string().get(text);
    if (error != simdjson::SUCCESS) return Invalid(error);
    cell.kind = Cell::Kind::kString;
    cell.text = verbatim ? absl::StripTrailingAsciiWhitespace(raw) : View(text);
  } else {
    cell.text = absl::StripAsciiWhitespace(raw);
    const std::optional<Cell::Kind> kind = KindOf(cell.text);
    if (!kind.has_value())
      return RowError{offset, "column ", Quoted(View(key)),
                      " holds no JSON value"};
    cell.kind = *kind;
  }
  if (column >= 0) SetMember(static_cast<size_t>(column), cell, members);
  return std::nullopt;
}

// Reading on demand does not look inside an object or an array, so it is parsed
// to know that it is JSON.
simdjson::error_code JsonRowParser::ReadNested(ondemand::value value,
                                               absl::string_view* text) {
  std::string_view whole;
  const simdjson::error_code error = simdjson::to_json_string(value).get(whole);
  if (error != simdjson::SUCCESS) return error;
  *text = absl::StripTrailingAsciiWhitespace(View(whole));
  return nested_parser_.parse(whole.data(), whole.size()).error();
}

void JsonRowParser::SetMember(size_t column, const Cell& cell,
                              std::vector<Member>* members) {
  if (seen_.size() <= column) seen_.resize(columns_.size());
  Seen& seen = seen_[column];
  if (seen.record == records_) {
    (*members)[seen.member].cell = cell;
    return;
  }
  seen = {records_, members->size()};
  members->push_back({column, cell});
}

int JsonRowParser::FindColumn(absl::string_view key) {
  if (expected_ < columns_.size() && columns_[expected_] == key)
    return static_cast<int>(expected_++);
  const auto found = index_.find(key);
  if (found != index_.end()) {
    expected_ = static_cast<size_t>(found->second) + 1;
    return found->second;
  }
  if (columns_.size() >= max_columns_) return -1;
  columns_.emplace_back(key);
  index_.emplace(columns_.back(), static_cast<int>(columns_.size()) - 1);
  expected_ = columns_.size();
  return static_cast<int>(columns_.size()) - 1;
}

}  // namespace troupe::loader
