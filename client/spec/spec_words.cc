#include "client/spec/spec_words.h"

#include <cmath>

#include "absl/strings/ascii.h"
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

std::optional<double> ParseNumber(absl::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<double> ParseShare(absl::string_view text) {
  if (!absl::ConsumeSuffix(&text, "%")) return ParseNumber(text);
  const std::optional<double> percent = ParseNumber(text);
  if (!percent.has_value()) return std::nullopt;
  return *percent / 100;
}

}  // namespace troupe
