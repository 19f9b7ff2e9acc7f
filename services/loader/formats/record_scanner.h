// A RecordScanner finds the records of a text: where each begins and ends.
//
// Records end with \n, \r\n or \r outside of quotes, or with the text. Blank
// lines (nothing but spaces and tabs) and lines that begin with the comment
// character are no records. A quote counts where a field begins; elsewhere it
// is an ordinary character, as in pandas. So is whatever follows the escape
// character.
//
// One memchr sweep per special character over the whole text, each position
// looked up once: a record without quotes costs a few comparisons.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "services/loader/formats/dialect.h"

namespace troupe::loader {

struct Record {
  absl::string_view text;  // Without its line end.
  size_t begin = 0;        // Position in the scanned text.
  size_t next = 0;         // Where the next record or blank line begins.
  int64_t line = 0;        // Counts from the scanner's first line.
  bool plain = true;       // Holds neither a quote nor a comment nor an escape.
};

// Line ends in `text`: \n, \r\n and \r count one each.
int64_t CountLineEnds(absl::string_view text);

class RecordScanner {
 public:
  enum class Outcome {
    kRecord,      // `record` is set.
    kEnd,         // Nothing but blank lines is left.
    kIncomplete,  // More text is needed (never when `last`).
    kOpenQuote,   // A quote is not closed (only when `last`).
  };

  // Scans `text`, which must outlive the scanner, from `position` on. `last`
  // says that no text follows; `first_line` is the number of the line there.
  RecordScanner(const Dialect& dialect, absl::string_view text, bool last,
                int64_t first_line, size_t position = 0);

  // Goes on at `position`, not before where it is, which is in line `line`.
  void MoveTo(size_t position, int64_t line) {
    position_ = position;
    line_ = line;
  }

  Outcome Next(Record* record);

  // Passes over one line, also a blank one or a comment; line ends within
  // quotes are none. False when more text is needed.
  bool SkipLine();

  // Where the next record, or a blank line that may be incomplete, begins.
  size_t position() const { return position_; }
  // The line there.
  int64_t line() const { return line_; }
  // Where the quote opened that made Next return kOpenQuote (or kIncomplete;
  // 0 when there was none).
  int64_t open_quote_line() const { return open_quote_line_; }

 private:
  // The first place of a character at or after a position, remembered.
  class Finder {
   public:
    Finder(absl::string_view text, char c, size_t position)
        : text_(text), character_(c), found_(text.size()) {
      if (c != Dialect::kNoCharacter) found_ = Find(position);
    }
    size_t From(size_t position) {
      if (found_ < position) found_ = Find(position);
      return found_;
    }

   private:
    size_t Find(size_t position) const {
      const size_t found = text_.find(character_, position);
      return found == absl::string_view::npos ? text_.size() : found;
    }
    absl::string_view text_;
    char character_;
    size_t found_;
  };

  size_t LineEnd(size_t position);
  size_t AfterLineEnd(size_t end) const;
  bool EndsInDoubt(size_t end) const;
  bool SkipBlankLines();
  Outcome EndOfQuotedRecord(size_t* end, int64_t* lines);
  bool OpensField(size_t quote, size_t literal_end) const;
  size_t CloseOf(size_t open);
  void CountEscaped(size_t escape, int64_t* lines) const;
  Outcome Finish(size_t end, int64_t inner_lines, bool plain, Record* record);

  const Dialect& dialect_;
  const absl::string_view text_;
  const bool last_;
  size_t position_;
  int64_t line_;
  int64_t open_quote_line_ = 0;
  Finder newline_;
  Finder carriage_return_;
  Finder quote_;
  Finder comment_;
  Finder escape_;
};

}  // namespace troupe::loader
