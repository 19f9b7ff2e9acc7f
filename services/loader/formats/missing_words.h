// MissingWords are the texts of a cell that mean "no value".
//
// Thread safety: immutable after construction.
#pragma once

#include <array>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "services/loader/formats/dialect.h"

namespace troupe::loader {

class MissingWords {
 public:
  // The words of pandas 2 (with "None"), unless the dialect declines them, and
  // the dialect's own. A word that is a whole number also stands for the same
  // number with ".0", and the other way round, as in pandas.
  explicit MissingWords(const Dialect& dialect);

  bool Contains(absl::string_view text) const {
    if (text.empty()) return empty_;
    // Most cells are told apart by length and first character.
    return text.size() <= longest_ &&
           starts_[static_cast<unsigned char>(text.front())] &&
           words_.contains(text);
  }

 private:
  void Add(absl::string_view word);

  bool empty_ = false;
  size_t longest_ = 0;
  std::array<bool, 256> starts_ = {};
  absl::flat_hash_set<std::string> words_;
};

}  // namespace troupe::loader
