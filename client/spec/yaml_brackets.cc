// The part of YamlWalk that goes through what may stand over several lines.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/spec/yaml_walk.h"

namespace troupe {
namespace {

constexpr absl::string_view kEscapes = "0abtnvfre \"/\\N_LPxuU\t\n\r";

}  // namespace

// Whether the alias is one.
bool YamlWalk::Alias() {
  const size_t begin = at_++;
  while (at_ < text_.size() && !EndsKey(text_[at_]) &&
         !absl::StrContains(",[]{}", text_.substr(at_, 1)))
    ++at_;
  const absl::string_view name = text_.substr(begin + 1, at_ - begin - 1);
  if (!anchors_.has_value()) {
    anchors_.emplace();
    for (size_t i = text_.find('&'); i != text_.npos;
         i = text_.find('&', i + 1)) {
      const size_t end = text_.find_first_of(" \t\r\n,[]{}", i);
      anchors_->insert(
          text_.substr(i + 1, std::min(end, text_.size()) - i - 1));
    }
  }
  if (anchors_->contains(name)) return true;
  const std::string pattern = QuotedWord(text_.substr(begin, at_ - begin));
  Found(begin,
        name.empty()
            ? "\"*\" begins an alias; for all columns write all, for a pattern "
              "use quotes"
            : absl::StrCat("\"*\" begins an alias, and nothing is called ",
                           QuotedWord(name), "; if it is a pattern write ",
                           pattern, " in quotes"));
  return false;
}

// Over a value in quotes. False where it has a mistake.
bool YamlWalk::Quoted() {
  const size_t begin = at_;
  const char quote = text_[at_++];
  const std::string unclosed = absl::StrCat(
      "this ", quote == '"' ? "double" : "single", " quote is not closed");
  bool lines = false;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    lines |= c == '\n';
    if (quote == '"' && c == '\\') {
      ++at_;
      if (at_ < text_.size() && kEscapes.find(text_[at_]) == kEscapes.npos) {
        Found(at_ - 1,
              absl::StrCat("\"\\", text_.substr(at_, 1),
                           "\" means nothing within double quotes; write "
                           "\\\\ for a backslash, or use single quotes"));
        return false;
      }
      continue;
    }
    if (c != quote) continue;
    if (quote == '\'' && Peek(1) == '\'') {
      ++at_;
      continue;
    }
    ++at_;
    if (!lines) return true;
    // A quote that was forgotten ends at the next one, lines below.
    const size_t end = at_;
    size_t next = at_;
    while (next < text_.size() && IsBlank(text_[next])) ++next;
    const char behind = next < text_.size() ? text_[next] : '\n';
    if (behind == '\n' || behind == ',' || behind == ']' || behind == '}' ||
        behind == ':' || (behind == '#' && next > end)) {
      const absl::string_view inside = text_.substr(begin, end - begin);
      if (!absl::StrContains(inside, ": ") && !absl::StrContains(inside, ":\n"))
        return true;
    }
    break;
  }
  Found(begin, unclosed);
  return false;
}

// Over brackets and all that is in them. False where there is a mistake.
bool YamlWalk::Brackets() {
  std::vector<Bracket> open;
  open.push_back({Peek(), at_});
  ++at_;
  while (!open.empty() && at_ < text_.size()) {
    if (!BracketContent(open)) return false;
  }
  if (open.empty()) return true;
  NotClosed(open.back());
  return false;
}

void YamlWalk::NotClosed(const Bracket& bracket) {
  const size_t comment = text_.find(" #", bracket.at);
  const bool hidden =
      comment < std::min(text_.find('\n', bracket.at), text_.size());
  Found(bracket.at,
        absl::StrCat(
            "this \"", std::string(1, bracket.character), "\" is not closed",
            hidden ? "; \"#\" begins a comment, unless it is in quotes" : ""));
}

// The next line of a bracket that looks like one outside of it: the bracket was
// forgotten.
bool YamlWalk::NextLineInBrackets(const std::vector<Bracket>& open) {
  const size_t first = LineBegin(open[0].at);
  size_t outer = first;
  while (text_[outer] == ' ' || text_[outer] == '-') ++outer;
  size_t i = at_;
  while (i < text_.size() && text_[i] == ' ') ++i;
  const size_t column = i - at_;
  const bool dash = text_.substr(i, 2) == "- ";
  size_t end = i;
  while (end < text_.size() &&
         (absl::ascii_isalnum(text_[end]) || text_[end] == '_'))
    ++end;
  const bool key = end > i && end < text_.size() && text_[end] == ':' &&
                   (end + 1 >= text_.size() || EndsKey(text_[end + 1]));
  if ((!key && !dash) || column > outer - first) return true;
  NotClosed(open.back());
  return false;
}

bool YamlWalk::BracketContent(std::vector<Bracket>& open) {
  Bracket& top = open.back();
  const char c = Peek();
  const auto comma_missing = [&](size_t at) {
    const absl::string_view before =
        text_.substr(top.last_at, at - top.last_at);
    const bool quoted =
        absl::StartsWith(before, "\"") || absl::StartsWith(before, "'");
    if (quoted && absl::StrContains(before, ": "))
      Found(top.last_at, "this quote is not closed");
    else if (quoted && top.character == '{' && !top.colon)
      Found(at, "a colon is missing before this value");
    else
      Found(at, absl::StrCat("a comma is missing before ", WordAt(at)));
    return false;
  };
  const bool follows = top.value && !top.waits;
  if (c == '\n') {
    ++at_;
    return NextLineInBrackets(open);
  }
  if (IsBlank(c)) {
    ++at_;
    return true;
  }
  if (c == '#' && EndsKey(text_[at_ - 1])) {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    return true;
  }
  if (c == '[' || c == '{') {
    if (follows) return comma_missing(at_);
    open.push_back({c, at_});
    ++at_;
    return true;
  }
  if (c == ']' || c == '}') {
    if (c != (top.character == '[' ? ']' : '}')) {
      const size_t round = text_.substr(0, at_).rfind(')');
      if (round != text_.npos && round > top.at) {
        Found(round, absl::StrCat("\")\" closes no \"",
                                  std::string(1, top.character), "\""));
        return false;
      }
      Found(at_,
            absl::StrCat("this \"", std::string(1, c), "\" stands where the \"",
                         std::string(1, top.character), "\" of line ",
                         LineNumber(top.at), " should be closed"));
      return false;
    }
    ++at_;
    open.pop_back();
    if (open.empty()) return true;
    open.back().value = true;
    open.back().waits = false;
    open.back().plain = false;
    return true;
  }
  if (c == ',') {
    if (!top.value) {
      Found(at_, "nothing stands before this comma");
      return false;
    }
    ++at_;
    top.value = top.colon = top.waits = top.plain = false;
    return true;
  }
  if (c == '"' || c == '\'') {
    if (follows) return comma_missing(at_);
    top.last_at = at_;
    top.value = true;
    top.waits = top.plain = false;
    return Quoted();
  }
  const bool colon_ends =
      c == ':' &&
      (EndsKey(Peek(1)) ||
       absl::StrContains(
           ",[]{}", text_.substr(std::min(at_ + 1, text_.size() - 1), 1)) ||
       (top.value && !top.plain));
  if (colon_ends) {
    if (top.colon) {
      // `a: 1 b: 2`: the last word is the key.
      size_t word = at_;
      while (word > top.last_at && !EndsKey(text_[word - 1])) --word;
      return comma_missing(word);
    }
    ++at_;
    top.value = top.colon = top.waits = true;
    return true;
  }
  if (c == '*') {
    if (follows) return comma_missing(at_);
    top.value = true;
    top.waits = false;
    return Alias();
  }
  if (c == '&' || c == '!') {
    while (at_ < text_.size() && !EndsKey(text_[at_])) ++at_;
    return true;
  }
  if (c == '-' && EndsKey(Peek(1))) {
    Found(at_,
          "a dash within brackets; between brackets items stand without, "
          "separated by commas");
    return false;
  }
  const bool no_word = c == '|' || c == '>' ||
                       (c == '?' && (EndsKey(Peek(1)) || Peek(1) == ',' ||
                                     Peek(1) == ']' || Peek(1) == '}'));
  if (no_word) {
    Found(at_, absl::StrCat("no word begins with \"", std::string(1, c),
                            "\"; write it in quotes"));
    return false;
  }
  if (!top.value && BadBeginning()) return false;
  if (follows && !top.plain) return comma_missing(at_);
  if (!top.plain || top.waits) top.last_at = at_;
  top.value = top.plain = true;
  top.waits = false;
  while (at_ < text_.size()) {
    const char d = text_[at_];
    if (d == '\n' || absl::StrContains(",[]{}", text_.substr(at_, 1))) break;
    if (d == '#' && EndsKey(text_[at_ - 1])) break;
    if (d == ':' && at_ + 1 < text_.size() &&
        (EndsKey(text_[at_ + 1]) ||
         absl::StrContains(",[]{}", text_.substr(at_ + 1, 1))))
      break;
    ++at_;
  }
  return true;
}

}  // namespace troupe
