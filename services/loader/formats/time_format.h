// A TimeFormat reads dates and times that are written in a declared way.
//
// Thread safety: immutable; const use from any thread, as long as nobody
// changes the process's locale.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace troupe::loader {

class TimeFormat {
 public:
  // `format` as of strptime (POSIX, C locale) and Python's datetime: %Y %m %d
  // %H %M %S %f (1 to 6 digits) %z %b %B %y (69 to 99 are 19xx) %p %I %j %%.
  // The error says what else it holds, or that it names no year and day.
  static absl::StatusOr<TimeFormat> Make(absl::string_view format);

  // Whether all of `text` is such a time, of a day that exists; then `micros`
  // is set: microseconds since 1970-01-01, in UTC where the text has an offset.
  bool Parse(absl::string_view text, int64_t* micros) const;

 private:
  explicit TimeFormat(std::vector<std::string> pieces)
      : pieces_(std::move(pieces)) {}

  std::vector<std::string> pieces_;  // Between the %f.
};

}  // namespace troupe::loader
