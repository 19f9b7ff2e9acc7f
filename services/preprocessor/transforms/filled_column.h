// A column whose missing values are filled: what impute ends in.
//
// Thread safety: immutable; const use from any thread.
#pragma once

#include <string>
#include <vector>

#include "services/preprocessor/transform.h"

namespace troupe::preprocessor {

// The column that tells which values were missing.
Field IndicatorOf(const Field& column);

class FilledColumn : public ColumnTransform {
 public:
  // `key` is the filling, of the output's type, which is the column's own or
  // FLOAT64 for INT64.
  FilledColumn(Field column, Field output, std::string key, bool indicator);

  Outputs outputs() const override;
  std::vector<Column> Apply(Column column, RowRejects& rejects) const override;

 private:
  Column Fill(Column column) const;
  Column FillText(const Column& column) const;

  const Field column_;
  const Field output_;
  const std::string key_;
  const bool indicator_;
};

}  // namespace troupe::preprocessor
