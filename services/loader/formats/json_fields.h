// The members of one JSON object on one line, as cells.
//
// Thread safety: as its base class.
#pragma once

#include <simdjson.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/loader/formats/row_parser.h"

namespace troupe::loader {

class JsonRowParser : public RowParser {
 public:
  // Keys that are no column are ignored. Cells of `verbatim` columns (one flag
  // per column) are tokens as they were written.
  JsonRowParser(const std::vector<std::string>& columns,
                std::vector<bool> verbatim);
  // Keys that are no column become columns in order of appearance, up to
  // `max_columns`; others are passed over.
  static JsonRowParser Growing(const std::vector<std::string>& columns,
                               size_t max_columns);

  // What a record says of one column.
  struct Member {
    size_t column;
    Cell cell;
  };

  // A record is bad unless it is one object. A key that stands twice counts
  // where it stands last. A bad record adds no columns.
  std::optional<RowError> Parse(const Record& record,
                                std::vector<Cell>* cells) override;

  // The same, without the columns of which the record says nothing: takes time
  // in proportion to the record, whatever the number of columns.
  std::optional<RowError> ParseMembers(const Record& record,
                                       std::vector<Member>* members);

  const std::vector<std::string>& columns() const { return columns_; }

 private:
  struct Seen {
    int64_t record = 0;
    size_t member = 0;
  };

  std::optional<RowError> ParseObject(std::vector<Member>* members);
  std::optional<RowError> ParseMember(simdjson::ondemand::field field,
                                      std::vector<Member>* members);
  simdjson::error_code ReadNested(simdjson::ondemand::value value,
                                  absl::string_view* text);
  void SetMember(size_t column, const Cell& cell, std::vector<Member>* members);
  int FindColumn(absl::string_view key);
  RowError Invalid(simdjson::error_code error) const;
  void ForgetColumnsFrom(size_t count);

  size_t max_columns_ = 0;
  std::vector<std::string> columns_;
  std::vector<bool> verbatim_;  // Columns beyond it are not.
  absl::flat_hash_map<std::string, int> index_;
  // Records mostly repeat the order of keys: the next column to try first.
  size_t expected_ = 0;
  std::string padded_;  // The record, and the padding that simdjson reads.
  size_t record_size_ = 0;
  simdjson::ondemand::parser parser_;
  simdjson::dom::parser nested_parser_;
  std::vector<Member> members_;
  int64_t records_ = 0;
  std::vector<Seen> seen_;  // By column: where it was last.
};

}  // namespace troupe::loader
