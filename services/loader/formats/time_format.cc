#include "services/loader/formats/time_format.h"

#include <ctime>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/table/civil_time.h"

namespace troupe::loader {
namespace {

constexpr absl::string_view kKnown = "YmdHMSfzbBypIj%";
constexpr size_t kLongest = 100;  // Of a format, and of a time.

// One to six digits, as microseconds.
const char* TakeMicros(const char* text, int64_t* micros) {
  int64_t scale = 100'000;
  const char* p = text;
  for (; absl::ascii_isdigit(static_cast<unsigned char>(*p)) && scale > 0;
       ++p) {
    *micros += (*p - '0') * scale;
    scale /= 10;
  }
  return p == text ? nullptr : p;
}

}  // namespace

absl::StatusOr<TimeFormat> TimeFormat::Make(absl::string_view format) {
  if (format.size() > kLongest)
    return absl::InvalidArgumentError("is too long");
  std::vector<std::string> pieces(1);
  std::string seen;
  for (size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (c == '\0') return absl::InvalidArgumentError("holds a NUL");
    if (c != '%') {
      pieces.back().push_back(c);
      continue;
    }
    const char letter = ++i < format.size() ? format[i] : '\0';
    if (letter == '\0' || kKnown.find(letter) == absl::string_view::npos)
      return absl::InvalidArgumentError(
          absl::StrCat("\"", format.substr(i - 1, 2),
                       "\" is not known; there are %Y %m %d %H %M %S %f %z %b "
                       "%B %y %p %I %j and %%"));
    seen.push_back(letter);
    if (letter == 'f')
      pieces.emplace_back();
    else
      absl::StrAppend(&pieces.back(), "%", absl::string_view(&letter, 1));
  }
  const auto has = [&](absl::string_view letters) {
    return seen.find_first_of(std::string(letters)) != std::string::npos;
  };
  const bool month_and_day = has("mbB") && has("d");
  if (!has("Yy") || (!month_and_day && !has("j")))
    return absl::InvalidArgumentError(
        "names no day: %Y (or %y), %m (or %b) and %d, or %Y and %j");
  return TimeFormat(std::move(pieces));
}

bool TimeFormat::Parse(absl::string_view text, int64_t* micros) const {
  if (text.size() > kLongest || text.find('\0') != absl::string_view::npos)
    return false;
  const std::string copy(text);
  std::tm civil = {};
  int64_t fraction = 0;
  const char* p = copy.c_str();
  for (size_t i = 0; i < pieces_.size(); ++i) {
    if (i > 0 && (p = TakeMicros(p, &fraction)) == nullptr) return false;
    if ((p = strptime(p, pieces_[i].c_str(), &civil)) == nullptr) return false;
  }
  int64_t days = 0;
  if (*p != '\0' || civil.tm_sec > 59 ||
      !DayOfDate(int64_t{civil.tm_year} + 1900, int64_t{civil.tm_mon} + 1,
                 civil.tm_mday, &days))
    return false;
  const int64_t seconds = int64_t{civil.tm_hour} * 3600 +
                          int64_t{civil.tm_min} * 60 + civil.tm_sec -
                          civil.tm_gmtoff;
  *micros = days * kMicrosPerDay + seconds * 1'000'000 + fraction;
  return IsTimeInRange(pb::TIMESTAMP, *micros);
}

}  // namespace troupe::loader
