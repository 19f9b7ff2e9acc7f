#include "services/base/log.h"

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/base/errors.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace troupe {
namespace {

constexpr size_t kMaxValueBytes = 512;

struct LogState {
  LogOptions options;
  std::shared_ptr<spdlog::logger> logger;
};

LogState& State() {
  static LogState* const state = [] {
    auto* made = new LogState;
    made->logger = spdlog::stderr_logger_mt("troupe");
    made->logger->set_pattern("%v");
    return made;
  }();
  return *state;
}

spdlog::level::level_enum SpdLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

absl::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

std::string JsonString(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxValueBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      // Bytes above ASCII are written as Latin-1 escapes: always valid JSON,
      // whatever the text was.
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string TextValue(absl::string_view text) {
  std::string escaped = absl::CEscape(text.substr(0, kMaxValueBytes));
  if (escaped.empty() || escaped.find(' ') != std::string::npos)
    return absl::StrCat("\"", escaped, "\"");
  return escaped;
}

std::string Render(LogLevel level, absl::string_view event,
                   std::initializer_list<LogField> fields,
                   std::initializer_list<LogField> more) {
  const LogOptions& options = State().options;
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(),
                                            absl::UTCTimeZone());
  std::string line;
  if (options.json) {
    absl::StrAppend(&line, "{\"ts\":\"", time, "\",\"level\":\"",
                    LevelName(level),
                    "\",\"service\":", JsonString(options.service));
    if (!options.replica.empty())
      absl::StrAppend(&line, ",\"replica\":", JsonString(options.replica));
    absl::StrAppend(&line, ",\"event\":", JsonString(event));
    for (const auto& list : {fields, more})
      for (const LogField& field : list)
        absl::StrAppend(
            &line, ",", JsonString(field.key()), ":",
            field.number() ? field.value() : JsonString(field.value()));
    absl::StrAppend(&line, "}");
    return line;
  }
  absl::StrAppend(&line, time, " ", LevelName(level), " ", options.service);
  if (!options.replica.empty()) absl::StrAppend(&line, " ", options.replica);
  absl::StrAppend(&line, " ", event);
  for (const auto& list : {fields, more})
    for (const LogField& field : list)
      absl::StrAppend(&line, " ", field.key(), "=", TextValue(field.value()));
  return line;
}

}  // namespace

void SetUpLog(const LogOptions& options) {
  State().options = options;
  State().logger->set_level(SpdLevel(options.level));
}

bool Logs(LogLevel level) {
  return State().logger->should_log(SpdLevel(level));
}

void Log(LogLevel level, absl::string_view event,
         std::initializer_list<LogField> fields) {
  if (!Logs(level)) return;
  State().logger->log(SpdLevel(level), "{}", Render(level, event, fields, {}));
}

void LogError(absl::string_view event, const absl::Status& status,
              std::initializer_list<LogField> fields) {
  State().logger->log(SpdLevel(LogLevel::kError), "{}",
                      Render(LogLevel::kError, event, fields,
                             {{"code", absl::StatusCodeToString(status.code())},
                              {"reason", ReasonOf(status)},
                              {"message", status.message()}}));
}

void FlushLog() { State().logger->flush(); }

bool ParseLogLevel(absl::string_view text, LogLevel* level) {
  for (const LogLevel candidate : {LogLevel::kDebug, LogLevel::kInfo,
                                   LogLevel::kWarning, LogLevel::kError}) {
    if (text != LevelName(candidate)) continue;
    *level = candidate;
    return true;
  }
  return false;
}

}  // namespace troupe
