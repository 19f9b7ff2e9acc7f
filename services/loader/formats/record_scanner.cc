#include "services/loader/formats/record_scanner.h"

#include <algorithm>

namespace troupe::loader {

int64_t CountLineEnds(absl::string_view text) {
  int64_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\n' || text[i] == '\r') ++count;
  }
  return count;
}

RecordScanner::RecordScanner(const Dialect& dialect, absl::string_view text,
                             bool last, int64_t first_line, size_t position)
    : dialect_(dialect),
      text_(text),
      last_(last),
      position_(position),
      line_(first_line),
      newline_(text, '\n', position),
      carriage_return_(text, '\r', position),
      quote_(text, dialect.quote, position),
      comment_(text, dialect.comment, position) {}

size_t RecordScanner::LineEnd(size_t position) {
  return std::min(newline_.From(position), carriage_return_.From(position));
}

size_t RecordScanner::AfterLineEnd(size_t end) const {
  if (end >= text_.size()) return text_.size();
  const bool two =
      text_[end] == '\r' && end + 1 < text_.size() && text_[end + 1] == '\n';
  return end + (two ? 2 : 1);
}

// Whether more text could move the line end found at `end`: there is none yet,
// or a \r at the very end may be half of \r\n.
bool RecordScanner::EndsInDoubt(size_t end) const {
  if (last_) return false;
  return end >= text_.size() || (text_[end] == '\r' && end + 1 == text_.size());
}

// Returns whether a record begins at position_. Otherwise the text ended first,
// perhaps within a blank line.
bool RecordScanner::SkipBlankLines() {
  while (position_ < text_.size()) {
    size_t i = position_;
    const bool is_comment = dialect_.comment != Dialect::kNoCharacter &&
                            text_[i] == dialect_.comment;
    if (is_comment) {
      i = LineEnd(i);
    } else {
      while (i < text_.size() && (text_[i] == ' ' || text_[i] == '\t') &&
             text_[i] != dialect_.delimiter)
        ++i;
      if (i < text_.size() && text_[i] != '\n' && text_[i] != '\r') return true;
    }
    if (EndsInDoubt(i)) return false;
    position_ = AfterLineEnd(i);
    ++line_;
  }
  return false;
}

RecordScanner::Outcome RecordScanner::Next(Record* record) {
  open_quote_line_ = 0;
  if (!SkipBlankLines())
    return position_ == text_.size() ? Outcome::kEnd : Outcome::kIncomplete;
  const size_t end = LineEnd(position_);
  if (quote_.From(position_) >= end && comment_.From(position_) >= end)
    return Finish(end, 0, true, record);
  size_t quoted_end = 0;
  int64_t lines = 0;
  const Outcome outcome = EndOfQuotedRecord(&quoted_end, &lines);
  if (outcome != Outcome::kRecord) return outcome;
  return Finish(quoted_end, lines, false, record);
}

RecordScanner::Outcome RecordScanner::Finish(size_t end, int64_t inner_lines,
                                             bool plain, Record* record) {
  if (EndsInDoubt(end)) return Outcome::kIncomplete;
  record->text = text_.substr(position_, end - position_);
  record->begin = position_;
  record->next = AfterLineEnd(end);
  record->line = line_;
  record->plain = plain;
  position_ = record->next;
  line_ += inner_lines + 1;
  return Outcome::kRecord;
}

RecordScanner::Outcome RecordScanner::EndOfQuotedRecord(size_t* end,
                                                        int64_t* lines) {
  size_t p = position_;
  while (true) {
    const size_t line_end = LineEnd(p);
    const size_t quote = quote_.From(p);
    const size_t comment = comment_.From(p);
    if (std::min(quote, comment) >= line_end || comment < quote) {
      *end = line_end;
      return Outcome::kRecord;
    }
    const bool opens =
        quote == position_ || text_[quote - 1] == dialect_.delimiter;
    p = quote + 1;
    if (!opens) continue;
    // Two quotes in a row stand for one; a single one closes.
    size_t close = quote_.From(p);
    while (close + 1 < text_.size() && text_[close + 1] == dialect_.quote)
      close = quote_.From(close + 2);
    if (close >= text_.size()) {
      open_quote_line_ = line_ + *lines;
      return last_ ? Outcome::kOpenQuote : Outcome::kIncomplete;
    }
    *lines += CountLineEnds(text_.substr(p, close - p));
    p = close + 1;
  }
}

}  // namespace troupe::loader
