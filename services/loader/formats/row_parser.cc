#include "services/loader/formats/row_parser.h"

#include <utility>

#include "services/loader/formats/csv_fields.h"
#include "services/loader/formats/json_fields.h"

namespace troupe::loader {

std::unique_ptr<RowParser> MakeRowParser(
    const Dialect& dialect, const MissingWords& missing,
    const std::vector<std::string>& columns, std::vector<bool> verbatim) {
  if (dialect.format == pb::JSONL)
    return std::make_unique<JsonRowParser>(columns, std::move(verbatim));
  return std::make_unique<CsvRowParser>(dialect, missing, columns.size());
}

}  // namespace troupe::loader
