#include "services/loader/formats/json_fields.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
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

JsonRowParser JsonRowParser::Growing(const std::vector<std::string>& columns) {
  JsonRowParser parser(columns, {});
  parser.grow_ = true;
  return parser;
}

RowError JsonRowParser::Invalid(simdjson::error_code error) const {
  return {0,
          absl::StrCat("not a JSON object: ", simdjson::error_message(error))};
}

void JsonRowParser::ForgetColumnsFrom(size_t count) {
  for (size_t i = count; i < columns_.size(); ++i) index_.erase(columns_[i]);
  columns_.resize(count);
}

std::optional<RowError> JsonRowParser::Parse(const Record& record,
                                             std::vector<Cell>* cells) {
  const size_t columns_before = columns_.size();
  cells->assign(columns_.size(), Cell());
  expected_ = 0;
  record_size_ = record.text.size();
  padded_.assign(record.text.data(), record.text.size());
  padded_.append(simdjson::SIMDJSON_PADDING, ' ');
  std::optional<RowError> error = ParseObject(cells);
  if (error.has_value()) ForgetColumnsFrom(columns_before);
  return error;
}

std::optional<RowError> JsonRowParser::ParseObject(std::vector<Cell>* cells) {
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
    std::optional<RowError> bad = ParseMember(member, cells);
    if (bad.has_value()) return bad;
  }
  // At its end the document has no location any more.
  if (document.current_location().error() == simdjson::SUCCESS)
    return RowError{0, "text follows the JSON object"};
  return std::nullopt;
}

std::optional<RowError> JsonRowParser::ParseMember(ondemand::field field,
                                                   std::vector<Cell>* cells) {
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
    std::optional<RowError> bad =
        ParseNested(View(key), value, offset, verbatim, &cell);
    if (bad.has_value()) return bad;
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
      return RowError{offset, absl::StrCat("column \"", View(key),
                                           "\" holds no JSON value")};
    cell.kind = *kind;
  }
  if (column < 0) return std::nullopt;
  if (static_cast<size_t>(column) >= cells->size())
    cells->resize(columns_.size());
  (*cells)[static_cast<size_t>(column)] = cell;
  return std::nullopt;
}

// An object or an array, which only a verbatim column can have. Reading on
// demand does not look inside it, so it is parsed to know that it is JSON.
std::optional<RowError> JsonRowParser::ParseNested(absl::string_view key,
                                                   ondemand::value value,
                                                   size_t offset, bool verbatim,
                                                   Cell* cell) {
  if (!verbatim)
    return RowError{
        offset, absl::StrCat("column \"", key, "\" holds ",
                             padded_[offset] == '{' ? "an object" : "an array",
                             "; only single values can be read")};
  std::string_view text;
  simdjson::error_code error = simdjson::to_json_string(value).get(text);
  if (error == simdjson::SUCCESS)
    error = nested_parser_.parse(text.data(), text.size()).error();
  if (error != simdjson::SUCCESS) return Invalid(error);
  cell->kind = Cell::Kind::kString;
  cell->text = absl::StripTrailingAsciiWhitespace(View(text));
  return std::nullopt;
}

int JsonRowParser::FindColumn(absl::string_view key) {
  if (expected_ < columns_.size() && columns_[expected_] == key)
    return static_cast<int>(expected_++);
  const auto found = index_.find(key);
  if (found != index_.end()) {
    expected_ = static_cast<size_t>(found->second) + 1;
    return found->second;
  }
  if (!grow_) return -1;
  columns_.emplace_back(key);
  index_.emplace(columns_.back(), static_cast<int>(columns_.size()) - 1);
  expected_ = columns_.size();
  return static_cast<int>(columns_.size()) - 1;
}

}  // namespace troupe::loader
