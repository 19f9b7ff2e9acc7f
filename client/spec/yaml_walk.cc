#include "client/spec/yaml_walk.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace troupe {
namespace {

constexpr absl::string_view kNoBreakSpace = "\xc2\xa0";
constexpr absl::string_view kWideSpace = "\xe3\x80\x80";
constexpr absl::string_view kWideColon = "\xef\xbc\x9a";

}  // namespace

std::string QuotedWord(absl::string_view word) {
  constexpr size_t kLongest = 40;
  return absl::StrCat("\"", word.substr(0, kLongest),
                      word.size() > kLongest ? "..." : "", "\"");
}

std::string YamlWalk::WordAt(size_t at) const {
  const size_t end = text_.find_first_of(" \t\r\n,:]}", at + 1);
  const absl::string_view word =
      text_.substr(at, end == text_.npos ? end : end - at);
  const bool quoted =
      absl::StartsWith(word, "\"") || absl::StartsWith(word, "'");
  return quoted ? std::string(word.substr(0, 40)) : QuotedWord(word);
}

void YamlWalk::Line() {
  const size_t begin = at_;
  while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  const size_t column = at_ - begin;
  const size_t indented = at_;
  SkipBlanks();
  if (LineIsOver()) return SkipLine();
  if (at_ > indented)
    return Found(indented,
                 "a tab stands in the indentation; YAML takes spaces only");
  for (const absl::string_view space : {kNoBreakSpace, kWideSpace})
    if (absl::StartsWith(Rest(), space))
      return Found(at_,
                   "a space of another kind (no-break or wide) stands in the "
                   "indentation; YAML takes plain spaces only");
  const absl::string_view line =
      absl::StripTrailingAsciiWhitespace(RestOfLine());
  if (column == 0 && (line == "---" || line == "..." || line[0] == '%'))
    return SkipLine();
  Entry(column);
  any_ = true;
}

// From here to the end of the line, or of a value that is longer.
void YamlWalk::Entry(size_t column) {
  while (Peek() == '-' && EndsKey(Peek(1))) {
    Enter(Kind::kList, column);
    if (mistake_.has_value()) return;
    pending_ = true;
    const size_t dash = at_++;
    SkipBlanks();
    if (LineIsOver()) return SkipLine();
    column += at_ - dash;
  }
  if (Peek() == '?' && EndsKey(Peek(1))) {
    lost_ = true;
    return;
  }
  const bool items =
      std::any_of(blocks_.begin(), blocks_.end(), [&](const Block& block) {
        return block.kind == Kind::kList && block.column == column;
      });
  if (Peek() == '-' && Peek(1) != '-' && !absl::ascii_isdigit(Peek(1)) &&
      Peek(1) != '.' && (pending_ || items))
    return Found(at_, "a space is missing behind the dash");
  const std::optional<size_t> key_end = FindKey();
  if (!key_end.has_value()) return NoKey(column);
  Enter(Kind::kMap, column);
  if (mistake_.has_value()) return;
  last_key_ = std::string(
      absl::StripTrailingAsciiWhitespace(text_.substr(at_, *key_end - at_)));
  if (BadBeginning()) return;
  at_ = *key_end + 1;
  pending_ = true;
  Value(column, false);
}

// Where the colon of a key stands that begins here.
std::optional<size_t> YamlWalk::FindKey() const {
  size_t i = at_;
  if (Peek() == '"' || Peek() == '\'') {
    const char quote = Peek();
    for (++i; i < text_.size() && text_[i] != quote && text_[i] != '\n'; ++i)
      if (quote == '"' && text_[i] == '\\') ++i;
    if (i >= text_.size() || text_[i] != quote) return std::nullopt;
    for (++i; i < text_.size() && IsBlank(text_[i]); ++i) {
    }
    const bool colon = i < text_.size() && text_[i] == ':';
    if (colon) return i;
    return std::nullopt;
  }
  if (Peek() == '[' || Peek() == '{') return std::nullopt;
  for (; i < text_.size() && text_[i] != '\n'; ++i) {
    if (text_[i] == '#' && i > at_ && IsBlank(text_[i - 1])) break;
    if (text_[i] == ':' && (i + 1 >= text_.size() || EndsKey(text_[i + 1])))
      return i;
  }
  return std::nullopt;
}

// Begins an entry of the block with that indentation.
void YamlWalk::Enter(Kind kind, size_t column) {
  bool left = false;
  while (!blocks_.empty() && blocks_.back().column > column) {
    blocks_.pop_back();
    left = true;
  }
  const auto is_list_of_key = [&] {
    return blocks_.size() > 1 && blocks_.back().kind == Kind::kList &&
           blocks_[blocks_.size() - 2].column == column;
  };
  // A list may stand as far left as its key.
  if (kind == Kind::kMap && !blocks_.empty() &&
      blocks_.back().column == column && is_list_of_key())
    blocks_.pop_back();
  if (!blocks_.empty() && blocks_.back().column == column) {
    lone_word_.reset();
    if (blocks_.back().kind == kind) return;
    if (kind == Kind::kList && pending_ && !left)
      return blocks_.push_back({kind, column, at_});
    return Found(at_, kind == Kind::kList
                          ? "a list item stands where a key is expected: the "
                            "lines beside it are keys"
                      : pending_ && !left
                          ? "a key stands beside a dash, but belongs below the "
                            "line above; indent it further"
                          : "a key stands where a list item is expected: a "
                            "dash is missing, or the indentation is wrong");
  }
  if (!left && lone_word_.has_value() && (!pending_ || blocks_.empty())) {
    mistake_ = ColonMissing(*lone_word_);
    return;
  }
  if (left || (blocks_.empty() && any_)) {
    const std::string where =
        blocks_.empty() ? "" : absl::StrCat(", or by ", blocks_.back().column);
    return Found(at_, absl::StrCat("indented by ", column,
                                   column == 1 ? " space" : " spaces",
                                   ", which fits no line above; indent "
                                   "it as the lines that it belongs to",
                                   where));
  }
  if (!pending_)
    return Found(at_,
                 absl::StrCat("indented further than the line above",
                              last_key_.empty() ? "" : ", but ",
                              last_key_.empty() ? "" : QuotedWord(last_key_),
                              last_key_.empty() ? "" : " has a value already"));
  lone_word_.reset();
  blocks_.push_back({kind, column, at_});
}

// What stands behind a colon or a dash.
void YamlWalk::Value(size_t block_column, bool in_list) {
  SkipBlanks();
  while (!LineIsOver() && (Peek() == '&' || Peek() == '!')) {
    while (at_ < text_.size() && !EndsKey(text_[at_])) ++at_;
    SkipBlanks();
  }
  if (LineIsOver()) return SkipLine();
  pending_ = false;
  const char first = Peek();
  if (first == '-' && EndsKey(Peek(1)) && !in_list)
    return Found(at_,
                 "a list item stands in the line of its key; begin a new line "
                 "before the dash");
  if (first == '|' || first == '>') return BlockText(block_column);
  if (first == '*') {
    if (Alias()) AfterValue('*');
    return;
  }
  if (BadBeginning()) return;
  if (first == '[' || first == '{') {
    if (Brackets()) AfterValue(first);
  } else if (first == '"' || first == '\'') {
    if (Quoted()) AfterValue(first);
  } else {
    PlainValue();
  }
}

// The line that begins there should have been a key's.
YamlMistake YamlWalk::ColonMissing(size_t at) const {
  absl::string_view line = text_.substr(at);
  line = line.substr(0, std::min(line.find('\n'), line.size()));
  const absl::string_view word =
      line.substr(0, std::min(line.find_first_of(" \t\r=:"), line.size()));
  const absl::string_view behind =
      absl::StripLeadingAsciiWhitespace(line.substr(word.size()));
  std::string message;
  if (absl::StrContains(line, kWideColon))
    message =
        absl::StrCat("the colon is a wide one (U+FF1A); YAML knows \":\"");
  else if (absl::StartsWith(behind, "="))
    message = absl::StrCat("a colon belongs behind ", QuotedWord(word),
                           ", not \"=\"");
  else if (absl::StartsWith(behind, ":"))
    message = absl::StrCat("a space is missing behind the colon of ",
                           QuotedWord(word));
  else
    message = absl::StrCat("a colon is missing behind ", QuotedWord(word));
  return MistakeAt(at, message);
}

// A line without a key: a value, the rest of one, or a mistake.
void YamlWalk::NoKey(size_t column) {
  const bool deeper = blocks_.empty() || blocks_.back().column < column;
  const size_t begin = at_;
  const absl::string_view line = RestOfLine();
  const bool plain = absl::ascii_isalnum(line[0]) || line[0] == '_' ||
                     static_cast<unsigned char>(line[0]) >= 0x80;
  if (!pending_ && plain && !deeper) {
    mistake_ = ColonMissing(begin);
    return;
  }
  if (!plain || pending_) {
    const bool value = pending_;
    Value(column, true);
    if (mistake_.has_value() || !value || !plain) return;
  } else {
    SkipLine();
    if (!suspect_.has_value()) suspect_ = begin;
  }
  lone_word_ = begin;
}

void YamlWalk::PlainValue() {
  const absl::string_view line = RestOfLine();
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && i > 0 && IsBlank(line[i - 1])) break;
    if (line[i] == ':' && (i + 1 >= line.size() || IsBlank(line[i + 1])))
      return Found(at_ + i,
                   "a second colon in this line; write the value in quotes if "
                   "it holds one, or begin a new line");
  }
  SkipLine();
}

// Behind a value of one of these kinds only a comment may stand.
void YamlWalk::AfterValue(char what) {
  const size_t end = at_;
  SkipBlanks();
  if (at_ >= text_.size() || Peek() == '\n' || (Peek() == '#' && at_ > end))
    return SkipLine();
  if (Peek() == ']' || Peek() == '}')
    return Found(at_, absl::StrCat("this \"", std::string(1, Peek()),
                                   "\" closes nothing"));
  if (what == '*') return SkipLine();
  if (Peek() == ',')
    return Found(at_,
                 "a comma behind the value; outside of brackets a new line "
                 "begins without one");
  if (what == '\'')
    return Found(at_,
                 "text behind the closing quote; a quote within quotes is "
                 "written twice: ''");
  if (what == '"')
    return Found(at_,
                 "text behind the closing quote; a quote within quotes is "
                 "written \\\"");
  Found(at_, "text behind the closing bracket");
}

// `|` and `>`: all lines that are indented further.
void YamlWalk::BlockText(size_t block_column) {
  const size_t begin = at_++;
  while (at_ < text_.size() && (absl::ascii_isdigit(text_[at_]) ||
                                text_[at_] == '+' || text_[at_] == '-'))
    ++at_;
  SkipBlanks();
  if (!LineIsOver())
    return Found(begin,
                 absl::StrCat("\"", std::string(1, text_[begin]),
                              "\" begins a text of many lines; write the "
                              "value in quotes"));
  SkipLine();
  while (at_ < text_.size()) {
    const size_t line = at_;
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    const bool belongs =
        at_ - line > block_column || Peek() == '\n' || Peek() == '\r';
    if (!belongs) {
      at_ = line;
      return;
    }
    SkipLine();
  }
}

// Characters that no word begins with.
bool YamlWalk::BadBeginning() {
  const char c = Peek();
  if (c == ']' || c == '}') {
    Found(at_, absl::StrCat("this \"", std::string(1, c), "\" closes nothing"));
    return true;
  }
  if (c != '@' && c != '`' && c != '%' && c != ',') return false;
  Found(at_, absl::StrCat("no word begins with \"", std::string(1, c),
                          "\"; write it in quotes"));
  return true;
}

std::optional<YamlMistake> FindYamlMistake(absl::string_view text) {
  return YamlWalk(text).Run();
}

}  // namespace troupe
