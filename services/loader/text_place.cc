#include "services/loader/text_place.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/loader/formats/encoding.h"
#include "services/table/utf8.h"

namespace troupe::loader {
namespace {

constexpr size_t kShownBytes = 64;

}  // namespace

size_t ValidUtf8Prefix(absl::string_view text) {
  size_t valid = 0;
  while (valid < text.size()) {
    // A sequence has at most four bytes: if it is valid, so is its text alone.
    size_t length = 1;
    while (length <= 4 && !IsUtf8(text.substr(valid, length))) ++length;
    if (length > 4) break;
    valid += length;
  }
  return valid;
}

RejectedRows::Place PlaceIn(const Record& record, size_t offset) {
  int64_t line = record.line;
  size_t line_begin = 0;
  const absl::string_view before = record.text.substr(0, offset);
  for (size_t i = 0; i < before.size(); ++i) {
    const bool half = before[i] == '\r' && i + 1 < record.text.size() &&
                      record.text[i + 1] == '\n';
    if (half || (before[i] != '\n' && before[i] != '\r')) continue;
    ++line;
    line_begin = i + 1;
  }
  return {line, static_cast<int64_t>(offset - line_begin + 1)};
}

std::string Quoted(absl::string_view value) {
  absl::string_view shown = value.substr(0, kShownBytes);
  shown = shown.substr(0, ValidUtf8Prefix(shown));
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(shown), "\"",
                      shown.size() < value.size() ? "..." : "");
}

std::optional<RowError> FindBadByte(absl::string_view text,
                                    pb::TextEncoding encoding) {
  const size_t nul = text.find('\0');
  if (nul != absl::string_view::npos)
    return RowError{nul, "a NUL byte; the text is damaged, or is not UTF-8"};
  if (IsUtf8(text)) return std::nullopt;
  const size_t bad = ValidUtf8Prefix(text);
  if (encoding != pb::UTF_8 && encoding != pb::TEXT_ENCODING_UNSPECIFIED)
    return RowError{bad,
                    absl::StrCat("no character of ", EncodingName(encoding))};
  return RowError{
      bad, "byte ",
      absl::StrFormat("0x%02x", static_cast<unsigned char>(text[bad])),
      " is not valid UTF-8"};
}

}  // namespace troupe::loader
