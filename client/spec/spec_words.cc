#include "client/spec/spec_words.h"

#include <charconv>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace troupe {
namespace {

using google::protobuf::EnumDescriptor;

// A word that is not the value's own name in lower case.
struct ShortForm {
  absl::string_view type;   // Full name of the enum.
  absl::string_view value;  // Name of the value.
  absl::string_view word;
  bool only;  // Whether the value's own name is no word then.
};

constexpr ShortForm kShortForms[] = {
    {"troupe.v1.ColumnKind", "TEXT", "string", true},
    {"troupe.v1.ColumnKind", "BOOLEAN", "bool", true},
    {"troupe.v1.ColumnKind", "POINT_IN_TIME", "date", true},
    {"troupe.v1.Bucketize.Encode", "ORDINAL_CODE", "ordinal", false},
    {"troupe.v1.Bucketize.Encode", "ONE_HOT_CODE", "one_hot", false},
    {"troupe.v1.DataType", "FLOAT32", "", true},  // Only inside of matrices.
    {"troupe.v1.DataType", "JSON", "", true},     // Only of carried columns.
};

struct Word {
  std::string word;
  int number;
};

std::vector<Word> WordsOf(const EnumDescriptor& type) {
  std::vector<Word> words;
  for (int i = 0; i < type.value_count(); ++i) {
    const auto& value = *type.value(i);
    if (value.number() == 0) continue;  // UNSPECIFIED: leave the key out.
    bool own_name = true;
    for (const ShortForm& form : kShortForms) {
      if (form.type != type.full_name() || form.value != value.name()) continue;
      if (!form.word.empty())
        words.push_back({std::string(form.word), value.number()});
      own_name = !form.only;
    }
    if (own_name)
      words.push_back({absl::AsciiStrToLower(value.name()), value.number()});
  }
  return words;
}

// 0o17 and 0x1F.
bool IsBased(absl::string_view text) {
  return absl::StartsWith(text, "0o") || absl::StartsWith(text, "0x");
}

}  // namespace

std::vector<std::string> EnumWords(const EnumDescriptor& type) {
  std::vector<std::string> words;
  for (Word& word : WordsOf(type)) words.push_back(std::move(word.word));
  return words;
}

std::optional<int> EnumNumber(const EnumDescriptor& type,
                              absl::string_view word) {
  for (const Word& candidate : WordsOf(type))
    if (candidate.word == word) return candidate.number;
  return std::nullopt;
}

std::string EnumWord(const EnumDescriptor& type, int number) {
  for (const Word& candidate : WordsOf(type))
    if (candidate.number == number) return candidate.word;
  return "";
}

std::optional<bool> ParseBool(absl::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::optional<double> ParseNumber(absl::string_view text) {
  if (IsBased(text)) {
    const std::optional<uint64_t> whole = ParseUnsigned(text);
    if (!whole.has_value()) return std::nullopt;
    return static_cast<double>(*whole);
  }
  // What is left of words that begin like numbers: inf, nan, 1_000, spaces.
  if (text.find_first_not_of("+-.0123456789eE") != absl::string_view::npos ||
      absl::StartsWith(text, "e") || absl::StartsWith(text, "E"))
    return std::nullopt;
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseUnsigned(absl::string_view text) {
  const bool based = IsBased(text);
  const int base = !based ? 10 : text[1] == 'o' ? 8 : 16;
  if (based)
    text.remove_prefix(2);
  else
    absl::ConsumePrefix(&text, "+");
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, base);
  if (text.empty() || result.ec != std::errc() || result.ptr != end)
    return std::nullopt;
  return value;
}

std::optional<int64_t> ParseWhole(absl::string_view text, int64_t least,
                                  int64_t most) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  const std::optional<uint64_t> size = ParseUnsigned(text);
  constexpr uint64_t kMost = uint64_t{1} << 62;
  if (!size.has_value() || *size > kMost ||
      (negative && (IsBased(text) || absl::StartsWith(text, "+"))))
    return std::nullopt;
  const auto value = static_cast<int64_t>(*size) * (negative ? -1 : 1);
  if (value < least || value > most) return std::nullopt;
  return value;
}

std::optional<double> ParseShare(absl::string_view text) {
  if (!absl::ConsumeSuffix(&text, "%")) return ParseNumber(text);
  const std::optional<double> percent =
      ParseNumber(absl::StripAsciiWhitespace(text));
  if (!percent.has_value()) return std::nullopt;
  return *percent / 100;
}

}  // namespace troupe
