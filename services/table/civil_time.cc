#include "services/table/civil_time.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace troupe {
namespace {

constexpr int64_t kMicrosPerMinute = int64_t{60'000'000};

const absl::CivilDay kEpoch(1970, 1, 1);
const int64_t kFirstDay = absl::CivilDay(1, 1, 1) - kEpoch;
const int64_t kLastDay = absl::CivilDay(9999, 12, 31) - kEpoch;

int64_t FloorDivide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// Takes exactly `count` digits off `text`.
bool TakeNumber(size_t count, absl::string_view* text, int64_t* value) {
  if (text->size() < count) return false;
  *value = 0;
  for (size_t i = 0; i < count; ++i) {
    const char c = (*text)[i];
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
    *value = *value * 10 + (c - '0');
  }
  text->remove_prefix(count);
  return true;
}

bool TakeCharacter(char c, absl::string_view* text) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// .f to .fffffffff, as microseconds; there may be none.
bool TakeFraction(absl::string_view* text, int64_t* micros) {
  *micros = 0;
  if (!TakeCharacter('.', text)) return true;
  int64_t scale = 100'000;
  size_t digits = 0;
  for (int64_t digit = 0; TakeNumber(1, text, &digit); ++digits) {
    *micros += digit * scale;
    scale /= 10;
  }
  return digits >= 1 && digits <= 9;
}

// HH:MM[:SS[.f]]
bool TakeTimeOfDay(absl::string_view* text, int64_t* micros) {
  int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (!TakeNumber(2, text, &hour) || !TakeCharacter(':', text) ||
      !TakeNumber(2, text, &minute))
    return false;
  if (TakeCharacter(':', text) &&
      !(TakeNumber(2, text, &second) && TakeFraction(text, &fraction)))
    return false;
  *micros =
      (hour * 60 + minute) * kMicrosPerMinute + second * 1'000'000 + fraction;
  return hour < 24 && minute < 60 && second < 60;
}

// Z, +HH or +HH:MM, as microseconds east of UTC.
bool TakeOffset(absl::string_view* text, int64_t* micros) {
  *micros = 0;
  if (TakeCharacter('Z', text)) return true;
  const bool west = !text->empty() && text->front() == '-';
  if (!west && (text->empty() || text->front() != '+')) return false;
  text->remove_prefix(1);
  int64_t hours = 0, minutes = 0;
  if (!TakeNumber(2, text, &hours)) return false;
  if (TakeCharacter(':', text) && !TakeNumber(2, text, &minutes)) return false;
  *micros = (hours * 60 + minutes) * kMicrosPerMinute * (west ? -1 : 1);
  return hours < 24 && minutes < 60;
}

}  // namespace

bool IsTimeInRange(pb::DataType type, int64_t value) {
  const int64_t day = DayOf(type, value);
  return day >= kFirstDay && day <= kLastDay;
}

int64_t DayOf(pb::DataType type, int64_t value) {
  return type == pb::DATE ? value : FloorDivide(value, kMicrosPerDay);
}

absl::CivilDay CivilDayOf(pb::DataType type, int64_t value) {
  return kEpoch + DayOf(type, value);
}

bool DayOfDate(int64_t year, int64_t month, int64_t day, int64_t* days) {
  if (year < 1 || year > 9999) return false;
  const absl::CivilDay civil(year, static_cast<int>(month),
                             static_cast<int>(day));
  // 31 February becomes 2 or 3 March.
  if (civil.month() != month || civil.day() != day) return false;
  *days = civil - kEpoch;
  return true;
}

IsoForm ParseIso(absl::string_view text, int64_t* micros) {
  int64_t year = 0, month = 0, day = 0, days = 0;
  if (!TakeNumber(4, &text, &year) || !TakeCharacter('-', &text) ||
      !TakeNumber(2, &text, &month) || !TakeCharacter('-', &text) ||
      !TakeNumber(2, &text, &day) || !DayOfDate(year, month, day, &days))
    return IsoForm::kNone;
  *micros = days * kMicrosPerDay;
  if (text.empty()) return IsoForm::kDate;
  int64_t time_of_day = 0, offset = 0;
  if (!TakeCharacter('T', &text) && !TakeCharacter(' ', &text))
    return IsoForm::kNone;
  if (!TakeTimeOfDay(&text, &time_of_day)) return IsoForm::kNone;
  *micros += time_of_day;
  if (text.empty()) return IsoForm::kNaive;
  if (!TakeOffset(&text, &offset) || !text.empty()) return IsoForm::kNone;
  *micros -= offset;
  return IsTimeInRange(pb::TIMESTAMP, *micros) ? IsoForm::kOffset
                                               : IsoForm::kNone;
}

void AppendTime(pb::DataType type, int64_t value, std::string* out) {
  const absl::CivilDay day = CivilDayOf(type, value);
  absl::StrAppendFormat(out, "%04d-%02d-%02d", day.year(), day.month(),
                        day.day());
  if (type == pb::DATE) return;
  const int64_t micros = value - DayOf(type, value) * kMicrosPerDay;
  const int64_t seconds = micros / 1'000'000;
  absl::StrAppendFormat(out, " %02d:%02d:%02d", seconds / 3600,
                        seconds / 60 % 60, seconds % 60);
  if (micros % 1'000'000 != 0)
    absl::StrAppendFormat(out, ".%06d", micros % 1'000'000);
}

}  // namespace troupe
