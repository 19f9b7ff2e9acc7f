#include "services/loader/record_cutter.h"

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/block_scanner.h"

namespace troupe::loader {
namespace {

using Outcome = BlockScanner::Outcome;

// Read beyond a run, so that the record that no longer fits is mostly seen.
constexpr size_t kSlackBytes = 64 << 10;

absl::Status RecordTooLong(const TextReader& reader,
                           const BlockScanner& scanner, int64_t limit) {
  std::string message =
      absl::StrCat("the record that begins here is longer than ", limit,
                   " bytes (--max_record_bytes)");
  if (scanner.open_quote_line() > 0)
    absl::StrAppend(&message, "; the quote opened in line ",
                    scanner.open_quote_line(), " may not be closed");
  return BadInput(reader.name(), scanner.line(), 0, message);
}

// Goes over the window once. Sets `cut`, and says why it stopped: kRecord when
// a limit was reached.
absl::StatusOr<Outcome> CutWindow(const CutLimits& limits,
                                  const TextReader& reader,
                                  BlockScanner* scanner, Cut* cut) {
  *cut = Cut();
  Record record;
  Outcome outcome = Outcome::kEnd;
  while ((outcome = scanner->Next(&record)) == Outcome::kRecord) {
    const auto bytes = static_cast<int64_t>(record.next - record.begin);
    if (bytes > limits.max_record_bytes)
      return BadInput(
          reader.name(), record.line, 0,
          absl::StrCat("the record that begins here is longer than ",
                       limits.max_record_bytes, " bytes (--max_record_bytes)"));
    if (cut->rows == 0) {
      cut->begin = record.begin;
      cut->first_line = record.line;
    } else if (static_cast<int64_t>(record.next - cut->begin) > limits.bytes) {
      return Outcome::kRecord;
    }
    ++cut->rows;
    cut->end = record.next;
    cut->next_line = scanner->line();
    if (cut->rows == limits.records ||
        static_cast<int64_t>(cut->end - cut->begin) >= limits.bytes)
      return Outcome::kRecord;
  }
  return outcome;
}

}  // namespace

absl::StatusOr<Cut> CutRecords(const Dialect& dialect, const CutLimits& limits,
                               int64_t* line, TextReader* reader) {
  size_t want = static_cast<size_t>(limits.bytes) + kSlackBytes;
  while (true) {
    RETURN_IF_ERROR(reader->Fill(want));
    const absl::string_view window = reader->window();
    BlockScanner scanner(limits.simd, BlockScanner::Fields::kPassOver, dialect,
                         window, reader->last(), *line);
    Cut cut;
    ASSIGN_OR_RETURN(const Outcome outcome,
                     CutWindow(limits, *reader, &scanner, &cut));
    cut.full = outcome == Outcome::kRecord;
    if (outcome == Outcome::kOpenQuote)
      return BadInput(reader->name(), scanner.open_quote_line(), 0,
                      "the quote that opens in this line is never closed");
    // The record in doubt is too long for this run, wherever it ends.
    const bool overfull =
        cut.rows > 0 &&
        static_cast<int64_t>(window.size() - cut.begin) > limits.bytes;
    if (cut.full || overfull || reader->ended()) {
      cut.full |= overfull;
      if (cut.rows > 0) return cut;
      *line = scanner.line();
      reader->Discard(scanner.position());
      return cut;
    }
    if (cut.rows == 0) {
      if (static_cast<int64_t>(window.size() - scanner.position()) >
          limits.max_record_bytes)
        return RecordTooLong(*reader, scanner, limits.max_record_bytes);
      *line = scanner.line();
      reader->Discard(scanner.position());
    }
    want = reader->window().size() * 2 + kSlackBytes;
  }
}

}  // namespace troupe::loader
