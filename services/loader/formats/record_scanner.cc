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
      comment_(text, dialect.comment, position),
      escape_(text, dialect.escape, position) {}

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
  if (quote_.From(position_) >= end && comment_.From(position_) >= end &&
      escape_.From(position_) >= end)
    return Finish(end, 0, true, record);
  size_t quoted_end = 0;
  int64_t lines = 0;
  const Outcome outcome = EndOfQuotedRecord(&quoted_end, &lines);
  if (outcome != Outcome::kRecord) return outcome;
  return Finish(quoted_end, lines, false, record);
}

bool RecordScanner::SkipLine() {
  size_t end = LineEnd(position_);
  int64_t lines = 0;
  if (quote_.From(position_) < end &&
      EndOfQuotedRecord(&end, &lines) == Outcome::kIncomplete)
    return false;
  // Nothing closes the quote: then it was none.
  if (open_quote_line_ > 0) end = LineEnd(position_);
  if (EndsInDoubt(end)) return false;
  position_ = AfterLineEnd(end);
  line_ += lines + 1;
  return true;
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
  size_t literal_end = position_;  // Behind the last escaped character.
  while (true) {
    const size_t line_end = LineEnd(p);
    const size_t quote = quote_.From(p);
    const size_t comment = comment_.From(p);
    const size_t escape = escape_.From(p);
    const size_t first = std::min({quote, comment, escape});
    if (first >= line_end || first == comment) {
      *end = line_end;
      return Outcome::kRecord;
    }
    if (first == escape) {
      CountEscaped(escape, lines);
      literal_end = p = std::min(escape + 2, text_.size());
      continue;
    }
    p = quote + 1;
    if (!OpensField(quote, literal_end)) continue;
    const size_t close = CloseOf(p);
    if (close >= text_.size()) {
      open_quote_line_ = line_ + *lines;
      return last_ ? Outcome::kOpenQuote : Outcome::kIncomplete;
    }
    *lines += CountLineEnds(text_.substr(p, close - p));
    p = close + 1;
    // Right behind a quote they are ordinary, as in pandas.
    if (p == comment_.From(p) || p == escape_.From(p))
      literal_end = p = std::min(p + 1, text_.size());
  }
}

// Whether a field begins at the quote. `literal_end`: what is before it cannot
// be a delimiter.
bool RecordScanner::OpensField(size_t quote, size_t literal_end) const {
  for (; quote > literal_end; --quote) {
    const char before = text_[quote - 1];
    if (before == dialect_.delimiter) return true;
    if (!dialect_.skip_initial_space || before != ' ') return false;
  }
  return quote == position_;
}

// Where the quote is that closes what began at `open`: the first that is
// neither escaped nor one of two in a row, which stand for one.
size_t RecordScanner::CloseOf(size_t open) {
  size_t p = open;
  while (true) {
    const size_t quote = quote_.From(p);
    const size_t escape = escape_.From(p);
    if (escape < quote) {
      p = std::min(escape + 2, text_.size());
    } else if (quote + 1 < text_.size() && text_[quote + 1] == dialect_.quote) {
      p = quote + 2;
    } else {
      return quote;
    }
  }
}

// An escaped line end; the \n of an escaped \r\n ends the record.
void RecordScanner::CountEscaped(size_t escape, int64_t* lines) const {
  const absl::string_view escaped =
      text_.substr(std::min(escape + 1, text_.size()), 2);
  if (escaped.substr(0, 1) == "\n" ||
      (escaped.substr(0, 1) == "\r" && escaped != "\r\n"))
    ++*lines;
}

}  // namespace troupe::loader
