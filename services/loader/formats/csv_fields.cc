#include "services/loader/formats/csv_fields.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace troupe::loader {
namespace {

// Walks one record that holds quotes or a comment.
class QuotedRecord {
 public:
  QuotedRecord(const Dialect& dialect, absl::string_view text,
               std::deque<std::string>* unescaped)
      : dialect_(dialect), text_(text), unescaped_(unescaped) {}

  // Sets `field` to the next field; false when there is none left.
  bool Next(CsvField* field) {
    if (done_) return false;
    field->offset = static_cast<uint32_t>(position_);
    field->quoted = position_ < text_.size() &&
                    text_[position_] == dialect_.quote &&
                    dialect_.quote != Dialect::kNoCharacter;
    field->text = field->quoted ? TakeQuoted() : TakePlain();
    if (position_ >= text_.size() || text_[position_] != dialect_.delimiter)
      done_ = true;
    ++position_;
    return true;
  }

 private:
  // Up to the delimiter, a comment or the end; quotes are ordinary here.
  absl::string_view TakePlain() {
    const size_t begin = position_;
    while (position_ < text_.size() && text_[position_] != dialect_.delimiter &&
           !IsComment(text_[position_]))
      ++position_;
    return text_.substr(begin, position_ - begin);
  }

  absl::string_view TakeQuoted() {
    const size_t begin = ++position_;
    size_t close = FindQuote(begin);
    const bool doubled = IsQuote(close + 1);
    if (!doubled) {
      position_ = std::min(close + 1, text_.size());
      const absl::string_view inner = text_.substr(begin, close - begin);
      const absl::string_view tail = TakePlain();
      if (tail.empty()) return inner;
      return unescaped_->emplace_back(absl::StrCat(inner, tail));
    }
    std::string& whole = unescaped_->emplace_back();
    size_t from = begin;
    while (IsQuote(close + 1)) {
      absl::StrAppend(&whole, text_.substr(from, close + 1 - from));
      from = close + 2;
      close = FindQuote(from);
    }
    absl::StrAppend(&whole, text_.substr(from, close - from));
    position_ = std::min(close + 1, text_.size());
    absl::StrAppend(&whole, TakePlain());
    return whole;
  }

  size_t FindQuote(size_t from) const {
    const size_t found = text_.find(dialect_.quote, from);
    return found == absl::string_view::npos ? text_.size() : found;
  }
  bool IsQuote(size_t i) const {
    return i < text_.size() && text_[i] == dialect_.quote;
  }
  bool IsComment(char c) const {
    return dialect_.comment != Dialect::kNoCharacter && c == dialect_.comment;
  }

  const Dialect& dialect_;
  const absl::string_view text_;
  std::deque<std::string>* const unescaped_;
  size_t position_ = 0;
  bool done_ = false;
};

size_t SplitPlainRecord(char delimiter, absl::string_view text, size_t limit,
                        std::vector<CsvField>* fields) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* p = begin;
  size_t count = 0;
  while (true) {
    const char* const field = p;
    while (p < end && *p != delimiter) ++p;
    if (count < limit)
      fields->push_back(
          {absl::string_view(field, static_cast<size_t>(p - field)),
           static_cast<uint32_t>(field - begin), false});
    ++count;
    if (p == end) return count;
    ++p;
  }
}

}  // namespace

size_t SplitCsvRecord(const Dialect& dialect, const Record& record,
                      size_t limit, std::vector<CsvField>* fields,
                      std::deque<std::string>* unescaped) {
  if (record.plain)
    return SplitPlainRecord(dialect.delimiter, record.text, limit, fields);
  QuotedRecord quoted(dialect, record.text, unescaped);
  size_t count = 0;
  for (CsvField field; quoted.Next(&field); ++count)
    if (count < limit) fields->push_back(field);
  return count;
}

CsvField FieldOf(const Dialect& dialect, absl::string_view text,
                 std::string* scratch) {
  CsvField field = {text, 0, false};
  if (text.empty() || text.front() != dialect.quote ||
      dialect.quote == Dialect::kNoCharacter)
    return field;
  field.quoted = true;
  absl::string_view rest = text.substr(1, text.size() - 2);
  field.text = rest;
  size_t quote = rest.find(dialect.quote);
  if (quote == absl::string_view::npos) return field;
  scratch->clear();
  for (; quote != absl::string_view::npos; quote = rest.find(dialect.quote)) {
    scratch->append(rest.data(), quote + 1);
    rest.remove_prefix(quote + 2);
  }
  scratch->append(rest.data(), rest.size());
  field.text = *scratch;
  return field;
}

std::optional<RowError> CsvRowParser::Parse(const Record& record,
                                            std::vector<Cell>* cells) {
  fields_.clear();
  unescaped_.clear();
  // One more than there may be: its place is where the message points.
  const size_t count =
      SplitCsvRecord(dialect_, record, columns_ + 1, &fields_, &unescaped_);
  if (count > columns_)
    return RowError{
        fields_[columns_].offset,
        absl::StrCat("expected ", columns_, " fields, saw ", count)};
  cells->assign(columns_, Cell());
  for (size_t i = 0; i < count; ++i) {
    const CsvField& field = fields_[i];
    const bool given = field.quoted && !dialect_.quoted_na;
    const bool missing = !given && missing_.Contains(field.text);
    (*cells)[i] = {field.text, field.offset,
                   missing ? Cell::Kind::kMissing : Cell::Kind::kText, given};
  }
  return std::nullopt;
}

std::vector<std::string> UniqueColumnNames(std::vector<std::string> names) {
  // Names that stand in the header keep theirs before made-up ones get any.
  std::vector<size_t> order;
  std::vector<size_t> unnamed;
  for (size_t i = 0; i < names.size(); ++i) {
    (names[i].empty() ? unnamed : order).push_back(i);
    if (names[i].empty()) names[i] = absl::StrCat("Unnamed: ", i);
  }
  order.insert(order.end(), unnamed.begin(), unnamed.end());
  absl::flat_hash_set<std::string> taken(names.begin(), names.end());
  absl::flat_hash_map<std::string, int64_t> seen;
  for (const size_t i : order) {
    const std::string original = names[i];
    int64_t& repeats = seen[original];
    if (repeats > 0) {
      do {
        names[i] = absl::StrCat(original, ".", repeats++);
      } while (!taken.insert(names[i]).second);
    } else {
      repeats = 1;
    }
  }
  return names;
}

}  // namespace troupe::loader
