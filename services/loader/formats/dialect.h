// A Dialect is how a source's text is read: its format and, for CSV and TSV,
// its special characters.
//
// Thread safety: as for a struct.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/pb.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe::loader {

struct Dialect {
  static constexpr char kNoCharacter = '\0';

  // Whether every delimiter outside of quotes ends a field.
  bool fields_end_at_delimiters() const {
    return format != pb::JSONL && !(skip_initial_space && delimiter == ' ');
  }

  pb::Format format = pb::CSV;            // CSV, TSV or JSONL.
  pb::TextEncoding encoding = pb::UTF_8;  // As declared.
  char delimiter = ',';
  char decimal = '.';
  char quote = '"';             // kNoCharacter: nothing is quoted.
  char comment = kNoCharacter;  // kNoCharacter: no comments.
  char escape = kNoCharacter;   // kNoCharacter: nothing is escaped.
  char thousands = kNoCharacter;
  bool skip_initial_space = false;
  bool header = true;
  std::vector<std::string> names;  // In place of a header's.
  int64_t skip_rows = 0;           // Lines, before the header.
  pb::CsvOptions::ShortRows on_short_row = pb::CsvOptions::FILL;
  bool quoted_na = true;
  bool keep_default_na = true;
  std::vector<std::string> na_values;
  std::vector<std::string> true_values;
  std::vector<std::string> false_values;
};

}  // namespace troupe::loader
