// The fields of one CSV record.
//
// Thread safety: functions without state; a CsvRowParser as its base class.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/loader/formats/row_parser.h"

namespace troupe::loader {

struct CsvField {
  absl::string_view text;  // Unquoted.
  uint32_t offset = 0;
  bool quoted = false;
};

// Appends the fields of `record` to `fields`, the first `limit` of them, and
// returns how many there are. Text that had to be put together (a doubled
// quote, text after a closing quote) is kept in `unescaped`.
size_t SplitCsvRecord(const Dialect& dialect, const Record& record,
                      size_t limit, std::vector<CsvField>* fields,
                      std::deque<std::string>* unescaped);

// The field written as `text`, which is regular: a quote begins it and ends it,
// or stands nowhere in it. Text that had to be put together is kept in
// `scratch`. The offset counts from where `text` begins.
CsvField FieldOf(const Dialect& dialect, absl::string_view text,
                 std::string* scratch);

class CsvRowParser : public RowParser {
 public:
  CsvRowParser(const Dialect& dialect, const MissingWords& missing,
               size_t columns)
      : dialect_(dialect), missing_(missing), columns_(columns) {}

  std::optional<RowError> Parse(const Record& record,
                                std::vector<Cell>* cells) override;

 private:
  const Dialect dialect_;
  const MissingWords& missing_;
  const size_t columns_;
  std::vector<CsvField> fields_;
  std::deque<std::string> unescaped_;
};

// Column names as pandas makes them: an empty name i becomes "Unnamed: i", a
// repeated one "a.1", "a.2", ... (passing over names that the header has).
std::vector<std::string> UniqueColumnNames(std::vector<std::string> names);

}  // namespace troupe::loader
