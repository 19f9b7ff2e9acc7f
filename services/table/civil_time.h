// Dates and times as numbers: DATE counts days, TIMESTAMP microseconds, both
// since 1970-01-01 (proleptic Gregorian calendar, years 1 to 9999). A time
// without an offset is stored as it stands, one with an offset in UTC.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "proto/pb.h"
#include "troupe/v1/table.pb.h"

namespace troupe {

inline constexpr int64_t kMicrosPerDay = int64_t{86'400'000'000};

// Whether it is DATE or TIMESTAMP.
inline bool IsTime(pb::DataType type) {
  return type == pb::DATE || type == pb::TIMESTAMP;
}

// Whether `value` of that type is within years 1 to 9999.
bool IsTimeInRange(pb::DataType type, int64_t value);

// The day it is on: `value` itself, or the one that its microseconds are in.
int64_t DayOf(pb::DataType type, int64_t value);

// The same day in the calendar.
absl::CivilDay CivilDayOf(pb::DataType type, int64_t value);

// Days since 1970-01-01, where there is such a day: month 1 to 12, day 1 to its
// last, year 1 to 9999.
bool DayOfDate(int64_t year, int64_t month, int64_t day, int64_t* days);

// What ISO 8601 text says (RFC 3339 with its options).
enum class IsoForm {
  kNone,    // None of these, or a day that does not exist.
  kDate,    // 2024-02-29
  kNaive,   // 2024-02-29T12:30[:59[.123456789]], or a space for the T.
  kOffset,  // The same with Z or +01[:30] behind it.
};

// Reads `text`, all of it; sets `micros` (of a date: its midnight) unless
// kNone. Digits beyond microseconds are cut off. 24:00 and leap seconds are
// none.
IsoForm ParseIso(absl::string_view text, int64_t* micros);

// Appends 2024-02-29, or 2024-02-29 12:30:59 with .123456 where it is not zero.
void AppendTime(pb::DataType type, int64_t value, std::string* out);

}  // namespace troupe
