#include "services/loader/formats/csv_fields.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace troupe::loader {
namespace {

// Walks one record that holds quotes, a comment or escapes.
class QuotedRecord {
 public:
  QuotedRecord(const Dialect& dialect, absl::string_view text,
               std::deque<std::string>* unescaped)
      : dialect_(dialect), text_(text), unescaped_(unescaped) {}

  // Sets `field` to the next field; false when there is none left.
  bool Next(CsvField* field) {
    if (done_) return false;
    SkipSpace();
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
  void SkipSpace() {
    if (!dialect_.skip_initial_space) return;
    while (position_ < text_.size() && text_[position_] == ' ') ++position_;
  }

  // Up to the delimiter, a comment or the end; quotes are ordinary here.
  absl::string_view TakePlain() { return TakeFrom(position_); }

  absl::string_view TakeFrom(size_t begin) {
    while (!AtFieldEnd()) {
      if (IsEscape()) return TakeEscaped(begin);
      ++position_;
    }
    return text_.substr(begin, position_ - begin);
  }

  // The same, of a field that began at `begin` and has its first escape here.
  absl::string_view TakeEscaped(size_t begin) {
    std::string& whole =
        unescaped_->emplace_back(text_.substr(begin, position_ - begin));
    while (!AtFieldEnd()) TakeOne(&whole);
    return whole;
  }

  absl::string_view TakeQuoted() {
    const size_t begin = ++position_;
    while (position_ < text_.size() && !IsEscape() && !IsQuote(position_))
      ++position_;
    const absl::string_view inner = text_.substr(begin, position_ - begin);
    if (IsQuote(position_) && !IsQuote(position_ + 1)) {
      ++position_;
      const absl::string_view tail = TakeTail();
      if (tail.empty()) return inner;
      return unescaped_->emplace_back(absl::StrCat(inner, tail));
    }
    std::string& whole = unescaped_->emplace_back(inner);
    while (position_ < text_.size()) {
      if (IsQuote(position_)) {
        ++position_;
        if (!IsQuote(position_)) break;
        whole.push_back(text_[position_++]);
      } else {
        TakeOne(&whole);
      }
    }
    absl::StrAppend(&whole, TakeTail());
    return whole;
  }

  // What stands behind a closing quote. Its first character is ordinary, as in
  // pandas, unless it ends the field.
  absl::string_view TakeTail() {
    const size_t begin = position_;
    if (position_ < text_.size() && text_[position_] != dialect_.delimiter)
      ++position_;
    return TakeFrom(begin);
  }

  // One character, or what follows the escape that stands here.
  void TakeOne(std::string* to) {
    if (IsEscape() && position_ + 1 < text_.size()) ++position_;
    to->push_back(text_[position_++]);
  }

  bool AtFieldEnd() const {
    return position_ >= text_.size() ||
           text_[position_] == dialect_.delimiter ||
           (dialect_.comment != Dialect::kNoCharacter &&
            text_[position_] == dialect_.comment);
  }
  bool IsQuote(size_t i) const {
    return i < text_.size() && text_[i] == dialect_.quote;
  }
  bool IsEscape() const {
    return dialect_.escape != Dialect::kNoCharacter &&
           text_[position_] == dialect_.escape;
  }

  const Dialect& dialect_;
  const absl::string_view text_;
  std::deque<std::string>* const unescaped_;
  size_t position_ = 0;
  bool done_ = false;
};

size_t SplitPlainRecord(const Dialect& dialect, absl::string_view text,
                        size_t limit, std::vector<CsvField>* fields) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* p = begin;
  size_t count = 0;
  while (true) {
    if (dialect.skip_initial_space)
      while (p < end && *p == ' ') ++p;
    const char* const field = p;
    while (p < end && *p != dialect.delimiter) ++p;
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
    return SplitPlainRecord(dialect, record.text, limit, fields);
  QuotedRecord quoted(dialect, record.text, unescaped);
  size_t count = 0;
  for (CsvField field; quoted.Next(&field); ++count)
    if (count < limit) fields->push_back(field);
  return count;
}

CsvField FieldOf(const Dialect& dialect, absl::string_view text,
                 std::string* scratch) {
  CsvField field = {text, 0, false};
  if (dialect.skip_initial_space) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    field.offset = static_cast<uint32_t>(field.text.size() - text.size());
    field.text = text;
  }
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
  filled_ = false;
  fields_.clear();
  unescaped_.clear();
  // One more than there may be: its place is where the message points.
  const size_t count =
      SplitCsvRecord(dialect_, record, columns_ + 1, &fields_, &unescaped_);
  if (count > columns_)
    return RowError{fields_[columns_].offset,
                    absl::StrCat("expected ", columns_, " fields, saw "),
                    absl::StrCat(count)};
  filled_ = count < columns_ && dialect_.on_short_row == pb::CsvOptions::FILL;
  if (count < columns_ && !filled_)
    return RowError{record.text.size(),
                    absl::StrCat("expected ", columns_, " fields, saw "),
                    absl::StrCat(count), "", "SHORT_ROW"};
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
