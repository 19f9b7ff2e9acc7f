// MissingWords are the texts of a cell that mean "no value".
//
// Thread safety: immutable after construction.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "services/loader/formats/dialect.h"

namespace troupe::loader {

class MissingWords {
 public:
  // The words of pandas 2 (with "None"), unless the dialect declines them, and
  // the dialect's own. A word that is a number also stands for its shortest
  // text, a whole one with and without ".0", as in pandas.
  explicit MissingWords(const Dialect& dialect);

  bool Contains(absl::string_view text) const {
    if (text.empty()) return empty_;
    // Most cells are told apart by length and first character.
    return (lengths_[static_cast<unsigned char>(text.front())] &
            LengthBit(text)) != 0 &&
           words_.contains(text);
  }

  // Whether some words are numbers. In columns of numbers these stand for their
  // value, however it is written.
  bool has_numbers() const { return !doubles_.empty(); }
  bool ContainsNumber(double value) const { return doubles_.contains(value); }
  bool ContainsNumber(int64_t value) const { return int64s_.contains(value); }

 private:
  void Add(absl::string_view word);
  void AddNumber(absl::string_view word, char decimal);

  // The last bit is for all that are longer.
  static uint32_t LengthBit(absl::string_view text) {
    return uint32_t{1} << std::min<size_t>(text.size(), 31);
  }

  bool empty_ = false;
  std::array<uint32_t, 256> lengths_ = {};  // By first character.
  absl::flat_hash_set<std::string> words_;
  absl::flat_hash_set<double> doubles_;
  absl::flat_hash_set<int64_t> int64s_;
};

}  // namespace troupe::loader
