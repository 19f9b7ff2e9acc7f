#include "services/loader/formats/missing_words.h"

#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "services/loader/formats/number.h"

namespace troupe::loader {
namespace {

constexpr std::array<absl::string_view, 19> kDefaultWords = {
    "",     "#N/A",   "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN",
    "-nan", "1.#IND", "1.#QNAN",  "<NA>", "N/A",     "NA",       "NULL",
    "NaN",  "None",   "n/a",      "nan",  "null"};

// As Python writes it, but for a ".0".
std::string ShortestText(double number) {
  const double magnitude = std::fabs(number);
  const bool fixed = magnitude >= 1e-4 && magnitude < 1e16;
  std::array<char, 64> buffer;
  const auto end = std::to_chars(
      buffer.data(), buffer.data() + buffer.size(), number,
      fixed ? std::chars_format::fixed : std::chars_format::scientific);
  return std::string(buffer.data(), end.ptr);
}

}  // namespace

MissingWords::MissingWords(const Dialect& dialect) {
  if (dialect.keep_default_na)
    for (const absl::string_view word : kDefaultWords) Add(word);
  for (const std::string& word : dialect.na_values) {
    Add(word);
    AddNumber(word, '.');
    if (dialect.decimal != '.') AddNumber(word, dialect.decimal);
  }
}

void MissingWords::AddNumber(absl::string_view word, char decimal) {
  double number = 0;
  if (!ParseDouble(word, decimal, &number)) return;
  doubles_.insert(number);
  Add(ShortestText(number));
  int64_t whole = 0;
  if (!ParseWholeNumber(word, decimal, &whole)) return;
  int64s_.insert(whole);
  Add(absl::StrCat(whole));
  Add(absl::StrCat(whole, ".0"));
}

void MissingWords::Add(absl::string_view word) {
  if (word.empty()) {
    empty_ = true;
    return;
  }
  lengths_[static_cast<unsigned char>(word.front())] |= LengthBit(word);
  words_.emplace(word);
}

}  // namespace troupe::loader
