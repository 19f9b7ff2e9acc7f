#include "services/loader/formats/missing_words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/loader/formats/number.h"

namespace troupe::loader {
namespace {

constexpr std::array<absl::string_view, 19> kDefaultWords = {
    "",     "#N/A",   "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN",
    "-nan", "1.#IND", "1.#QNAN",  "<NA>", "N/A",     "NA",       "NULL",
    "NaN",  "None",   "n/a",      "nan",  "null"};

}  // namespace

MissingWords::MissingWords(const Dialect& dialect) {
  if (dialect.keep_default_na)
    for (const absl::string_view word : kDefaultWords) Add(word);
  for (const std::string& word : dialect.na_values) {
    Add(word);
    if (ClassifyNumber(word, dialect.decimal) == NumberKind::kInt64)
      Add(absl::StrCat(word, ".0"));
    absl::string_view whole = word;
    if (absl::ConsumeSuffix(&whole, ".0") &&
        ClassifyNumber(whole, dialect.decimal) == NumberKind::kInt64)
      Add(whole);
  }
}

void MissingWords::Add(absl::string_view word) {
  if (word.empty()) {
    empty_ = true;
    return;
  }
  lengths_[static_cast<unsigned char>(word.front())] |= LengthBit(word);
  has_plain_number_ |= std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isdigit(c) || absl::ascii_ispunct(c);
  });
  words_.emplace(word);
}

}  // namespace troupe::loader
