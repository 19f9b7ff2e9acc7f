// The walk of FindYamlMistake: by lines and indentation (yaml_walk.cc), and
// through brackets and quotes (yaml_brackets.cc).
//
// Thread safety: one thread.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/spec/yaml_mistake.h"

namespace troupe {

inline bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
inline bool EndsKey(char c) { return IsBlank(c) || c == '\n'; }

// Walks over a text once, and stops at the first mistake.
class YamlWalk {
 public:
  explicit YamlWalk(absl::string_view text) : text_(text) {}

  std::optional<YamlMistake> Run() {
    absl::ConsumePrefix(&text_, "\xef\xbb\xbf");
    while (at_ < text_.size() && !mistake_.has_value() && !lost_) Line();
    if (!mistake_.has_value() && !lost_ && suspect_.has_value())
      return ColonMissing(*suspect_);
    return mistake_;
  }

 private:
  enum class Kind { kMap, kList };
  // A block of lines with one indentation.
  struct Block {
    Kind kind;
    size_t column;
    size_t line_at;  // Where its first line stands.
  };
  // A bracket that is open.
  struct Bracket {
    char character;
    size_t at;
    bool value = false;  // Something stands since the last comma.
    bool colon = false;  // A colon, too.
    bool waits = false;  // For what follows that colon.
    bool plain = false;  // The last value is one without quotes.
    size_t last_at = 0;  // Where the last value begins.
  };

  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }
  absl::string_view Rest() const { return text_.substr(at_); }
  // The rest of this line, without a comment.
  absl::string_view RestOfLine() const {
    const absl::string_view rest = Rest();
    return rest.substr(0, std::min(rest.find('\n'), rest.size()));
  }
  size_t LineBegin(size_t at) const {
    const size_t end =
        at == 0 ? absl::string_view::npos : text_.rfind('\n', at - 1);
    return end == absl::string_view::npos ? 0 : end + 1;
  }
  int LineNumber(size_t at) const {
    return 1 + static_cast<int>(
                   std::count(text_.begin(), text_.begin() + at, '\n'));
  }
  YamlMistake MistakeAt(size_t at, absl::string_view message) const {
    return {{LineNumber(at), static_cast<int>(at - LineBegin(at)) + 1},
            std::string(message)};
  }
  void Found(size_t at, absl::string_view message) {
    if (!mistake_.has_value()) mistake_ = MistakeAt(at, message);
  }
  void SkipLine() {
    const size_t end = text_.find('\n', at_);
    at_ = end == absl::string_view::npos ? text_.size() : end + 1;
  }
  void SkipBlanks() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
  }
  // In quotes; a word that has some keeps its own.
  std::string WordAt(size_t at) const;
  // Nothing but a comment is left in the line.
  bool LineIsOver() const {
    return at_ >= text_.size() || Peek() == '\n' ||
           (Peek() == '#' && (at_ == 0 || EndsKey(text_[at_ - 1])));
  }

  // --- Lines and indentation: yaml_walk.cc ---
  void Line();
  void Entry(size_t column);
  std::optional<size_t> FindKey() const;
  void Enter(Kind kind, size_t column);
  void Value(size_t block_column, bool in_list);
  YamlMistake ColonMissing(size_t at) const;
  void NoKey(size_t column);
  void PlainValue();
  void AfterValue(char what);
  void BlockText(size_t block_column);
  bool BadBeginning();
  // --- Values that may go over lines: yaml_brackets.cc. False where there is
  // a mistake in them ---
  bool Alias();
  bool Quoted();
  bool Brackets();
  void NotClosed(const Bracket& bracket);
  bool BracketContent(std::vector<Bracket>& open);
  bool NextLineInBrackets(const std::vector<Bracket>& open);

  absl::string_view text_;
  size_t at_ = 0;
  std::vector<Block> blocks_;
  bool any_ = false;     // A line was seen.
  bool pending_ = true;  // The last key or dash has no value yet.
  // The key that has one.
  std::string last_key_;
  // Where a word is alone in its line: its colon is missing if lines below
  // belong to it.
  std::optional<size_t> lone_word_;
  // And where one goes on with the line above, or should not.
  std::optional<size_t> suspect_;
  std::optional<absl::flat_hash_set<absl::string_view>> anchors_;
  bool lost_ = false;  // Beyond what this walk understands.
  std::optional<YamlMistake> mistake_;
};

// A word of the user's in a message: it may be long.
std::string QuotedWord(absl::string_view word);

}  // namespace troupe
