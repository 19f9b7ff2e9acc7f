// One line per event, as text or JSON, on stderr. Never row content.
//
//   Log(LogLevel::kInfo, "batch done", {{"job", id}, {"batch", number}});
//
// Thread safety: Log from any thread; SetUpLog once, before threads start.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace troupe {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogOptions {
  std::string service = "troupe";  // In every line.
  std::string replica;             // In every line where not empty.
  bool json = false;
  LogLevel level = LogLevel::kInfo;
};

// A key and its value. Keys in use: job, batch, attempt, epoch, trace, method,
// lane, stage, replica, reason, path, seconds.
class LogField {
 public:
  LogField(absl::string_view key, absl::string_view value)
      : key_(key), value_(value) {}
  LogField(absl::string_view key, const char* value)
      : key_(key), value_(value) {}
  LogField(absl::string_view key, const std::string& value)
      : key_(key), value_(value) {}
  LogField(absl::string_view key, int64_t value)
      : key_(key), value_(std::to_string(value)), number_(true) {}
  LogField(absl::string_view key, int value)
      : LogField(key, static_cast<int64_t>(value)) {}
  LogField(absl::string_view key, uint64_t value)
      : key_(key), value_(std::to_string(value)), number_(true) {}
  LogField(absl::string_view key, double value)
      : key_(key), value_(std::to_string(value)), number_(true) {}

  const std::string& key() const { return key_; }
  const std::string& value() const { return value_; }
  bool number() const { return number_; }

 private:
  std::string key_;
  std::string value_;
  bool number_ = false;
};

void SetUpLog(const LogOptions& options);

// Whether lines of this level are written.
bool Logs(LogLevel level);

// Writes one line. Control characters and invalid UTF-8 are escaped, values cut
// at 512 bytes.
void Log(LogLevel level, absl::string_view event,
         std::initializer_list<LogField> fields = {});

// As above, with the status's code, reason and message.
void LogError(absl::string_view event, const absl::Status& status,
              std::initializer_list<LogField> fields = {});

// Writes what was logged so far. Call before _exit.
void FlushLog();

// `debug`, `info`, `warning`, `error` (from a flag), or nothing else.
bool ParseLogLevel(absl::string_view text, LogLevel* level);

}  // namespace troupe
