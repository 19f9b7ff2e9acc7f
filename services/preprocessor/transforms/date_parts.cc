#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/base/errors.h"
#include "services/preprocessor/transforms/transforms.h"
#include "services/table/civil_time.h"
#include "services/table/column_builder.h"

namespace troupe::preprocessor {
namespace {

using Part = pb::DateParts::Part;

std::string PartName(Part part) {
  return absl::AsciiStrToLower(pb::DateParts::Part_Name(part));
}

// What `part` is of a value of that type.
int64_t PartOf(Part part, DataType type, int64_t value) {
  const int64_t days = DayOf(type, value);
  const absl::CivilDay day = CivilDayOf(type, value);
  switch (part) {
    case pb::DateParts::YEAR:
      return day.year();
    case pb::DateParts::MONTH:
      return day.month();
    case pb::DateParts::DAY:
      return day.day();
    case pb::DateParts::WEEKDAY:  // ISO 8601; absl's Monday is 0.
      return static_cast<int64_t>(absl::GetWeekday(day)) + 1;
    case pb::DateParts::HOUR:
      return (value - days * kMicrosPerDay) / (kMicrosPerDay / 24);
    default:
      return days;
  }
}

class DatePartsColumn : public ColumnTransform {
 public:
  DatePartsColumn(Field column, std::vector<Part> parts)
      : column_(std::move(column)), parts_(std::move(parts)) {}

  Outputs outputs() const override {
    Outputs outputs;
    for (const Part part : parts_)
      outputs.in_place.push_back(
          {absl::StrCat(column_.name, "_", PartName(part)), pb::INT64,
           column_.role});
    return outputs;
  }
  std::vector<Column> Apply(Column column, RowRejects&) const override {
    std::vector<Column> made;
    for (const Part part : parts_) {
      ColumnBuilder builder(pb::INT64);
      for (int64_t row = 0; row < column.rows(); ++row)
        if (column.IsNull(row))
          builder.AppendNull();
        else
          builder.AppendInt64(PartOf(
              part, column.type(), column.int64s()[static_cast<size_t>(row)]));
      made.push_back(builder.Finish());
    }
    return made;
  }

 private:
  const Field column_;
  const std::vector<Part> parts_;
};

class DateParts : public Transform {
 public:
  explicit DateParts(const pb::DateParts& spec) : spec_(spec) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool takes_times() const override { return true; }

  absl::Status CheckOptions(absl::string_view path) const override {
    if (spec_.parts().empty())
      return BadSpec(absl::StrCat(path, ".parts"),
                     "is required: year, month, day, weekday, hour or days");
    for (int i = 0; i < spec_.parts_size(); ++i) {
      const std::string field = absl::StrCat(path, ".parts[", i, "]");
      if (!pb::DateParts::Part_IsValid(spec_.parts(i)) || spec_.parts(i) == 0)
        return BadSpec(field, "say year, month, day, weekday, hour or days");
      const auto begin = spec_.parts().begin();
      if (std::find(begin, begin + i, spec_.parts(i)) != begin + i)
        return BadSpec(field, "stands there twice");
    }
    return absl::OkStatus();
  }
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override {
    if (!IsTime(column.type))
      return BadSpec(absl::StrCat(path, ".columns"),
                     absl::StrCat("column \"", column.name, "\" is ",
                                  TypeName(column.type),
                                  ", and date_parts works on dates and "
                                  "timestamps; source.types can declare it"));
    const auto parts = Parts();
    if (column.type == pb::DATE &&
        std::find(parts.begin(), parts.end(), pb::DateParts::HOUR) !=
            parts.end())
      return BadSpec(absl::StrCat(path, ".parts"),
                     absl::StrCat("column \"", column.name,
                                  "\" is date, which has no hour"));
    return absl::OkStatus();
  }
  Outputs Foresee(const Field& column) const override {
    return DatePartsColumn(column, Parts()).outputs();
  }
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn&) const override {
    return std::make_unique<const DatePartsColumn>(column, Parts());
  }

 private:
  std::vector<Part> Parts() const {
    std::vector<Part> parts;
    for (const int part : spec_.parts())
      parts.push_back(static_cast<Part>(part));
    return parts;
  }

  const pb::DateParts spec_;
};

}  // namespace

std::unique_ptr<const Transform> MakeDateParts(const pb::Step& step) {
  return std::make_unique<DateParts>(step.date_parts());
}

}  // namespace troupe::preprocessor
