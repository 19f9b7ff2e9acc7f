// A Dialect is how a source's text is read: its format and, for CSV and TSV,
// its special characters.
//
// Thread safety: as for a struct.
#pragma once

#include <string>
#include <vector>

#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe::loader {

struct Dialect {
  static constexpr char kNoCharacter = '\0';

  pb::Format format = pb::CSV;  // CSV, TSV or JSONL.
  char delimiter = ',';
  char decimal = '.';
  char quote = '"';             // kNoCharacter: nothing is quoted (JSONL).
  char comment = kNoCharacter;  // kNoCharacter: no comments.
  bool header = true;
  bool quoted_na = true;
  bool keep_default_na = true;
  std::vector<std::string> na_values;
};

}  // namespace troupe::loader
