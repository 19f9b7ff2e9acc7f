// ColumnEvidence is what planning learns of the columns: their names, what
// types their cells allow, and how many are present.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/actor/context.h"
#include "services/loader/formats/cell_types.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/formats/json_fields.h"
#include "services/loader/formats/missing_words.h"
#include "services/loader/formats/row_batch.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/plan_cursor.pb.h"

namespace troupe::loader {

class ColumnEvidence {
 public:
  // Goes on from `cursor` (its columns, evidence, present, good_rows). For JSON
  // Lines new keys become columns.
  ColumnEvidence(const Dialect& dialect, const pb::PlanCursor& cursor,
                 SimdLevel simd);

  // Looks at all records of `text`, the split's, which messages call `file`;
  // bad ones say nothing about types. BAD_INPUT for a short row where that
  // fails, and when there are more columns than can be read.
  absl::Status Observe(const pb::Split& split, absl::string_view text,
                       const std::string& file, const Context& context);

  // Writes back what Observe learned.
  void Save(pb::PlanCursor* cursor) const;

  // Cells without a value in column `i` of a cursor, which is of type `type`,
  // in rows that could be read.
  static int64_t Missing(const pb::PlanCursor& cursor, int i, DataType type) {
    const bool numbers = type == pb::INT64 || type == pb::FLOAT64;
    return cursor.good_rows() - cursor.present(i) +
           (numbers ? cursor.missing_numbers(i) : 0);
  }

 private:
  const std::vector<std::string>& Columns() const;
  void GrowTo(size_t columns);
  void ObserveCells();
  void ObserveCell(const Cell& cell, size_t column);
  void ObserveBatch(RowBatch* batch);
  absl::Status ObserveOne(const Record& record, const std::string& file,
                          int64_t ordinal, pb::TextEncoding encoding,
                          bool clean);

  const Dialect dialect_;
  const MissingWords missing_;
  const CellReader reader_;
  const SimdLevel simd_;
  std::vector<std::string> columns_;  // CSV and TSV.
  JsonRowParser json_;
  std::unique_ptr<RowParser> csv_;
  std::vector<TypeEvidence> types_;
  std::vector<int64_t> present_;
  std::vector<int64_t> missing_numbers_;
  int64_t good_rows_;
  pb::ShortRows short_rows_;
  int64_t rejected_rows_;
  std::vector<pb::RejectedRow> rejected_;
  std::vector<Cell> cells_;                     // Of CSV,
  std::vector<JsonRowParser::Member> members_;  // and of JSON Lines.
};

}  // namespace troupe::loader
