#include "client/spec/config_node.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/spec/yaml_mistake.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/utf8.h"

namespace troupe {
namespace {

// Ends the parse from within an event; yaml-cpp knows no other way out. Caught
// in ParseConfig.
struct Refused {
  Position position;
  std::string message;
};

Position ToPosition(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

// Builds the tree from yaml-cpp's events. Its own nodes would share aliased
// values (so that a short text makes an endless tree) and keep duplicate keys.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(absl::string_view text, const ConfigLimits& limits)
      : text_(text), limits_(limits) {
    absl::ConsumePrefix(&text_, "\xef\xbb\xbf");
  }

  ConfigNode TakeRoot() { return std::move(root_).value_or(ConfigNode{}); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    ConfigNode node = Make(ConfigNode::Kind::kNull, mark);
    const char first = At(mark);
    node.written = first == '~' || first == 'n' || first == 'N';
    Add(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& value) override {
    ConfigNode node = Make(ConfigNode::Kind::kScalar, mark);
    const char first = At(mark);
    last_scalar_ = static_cast<size_t>(std::max(mark.pos, 0));
    if ((first == '\'' || first == '"') && !IsClosed(last_scalar_))
      throw Refused{node.position, "this quote is not closed"};
    if (value.empty() && (first == '|' || first == '>'))
      throw Refused{node.position,
                    absl::StrCat("\"", std::string(1, first),
                                 "\" begins a text of many lines, and none "
                                 "follows; write it in quotes")};
    node.scalar = value;
    node.quoted = IsText(tag, node.position);
    if (tag == "tag:yaml.org,2002:null")
      node = Make(ConfigNode::Kind::kNull, mark);
    Add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Make(ConfigNode::Kind::kList, mark), anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(Make(ConfigNode::Kind::kMap, mark), anchor);
  }
  void OnMapEnd() override { Close(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Refused{ToPosition(mark), "an alias inside of what it stands for"};
    Add(found->second, 0, ToPosition(mark));
  }

 private:
  // The character that stands there.
  char At(const YAML::Mark& mark) const {
    const auto place = static_cast<size_t>(mark.pos);
    return mark.pos >= 0 && place < text_.size() ? text_[place] : '\0';
  }

  // Whether the quote that begins there ends: yaml-cpp takes the end of the
  // text for that of a single one.
  bool IsClosed(size_t begin) const {
    const char quote = text_[begin];
    for (size_t i = begin + 1; i < text_.size(); ++i) {
      if (quote == '"' && text_[i] == '\\') {
        ++i;
      } else if (text_[i] == quote) {
        if (quote == '"' || i + 1 >= text_.size() || text_[i + 1] != quote)
          return true;
        ++i;
      }
    }
    return false;
  }

  // Whether a colon follows the plain key that begins there: yaml-cpp takes a
  // word alone for a key without a value.
  bool HasColon(size_t begin, const std::string& key) const {
    if (begin >= text_.size() || text_.compare(begin, key.size(), key) != 0)
      return true;  // Quoted, or over several lines.
    const size_t end = text_.find_first_not_of(" \t", begin + key.size());
    return end != absl::string_view::npos && text_[end] == ':';
  }

  static std::string NoColon(const std::string& key) {
    const std::string word = key.substr(0, std::min(key.find(':'), size_t{40}));
    return absl::StrCat(word.size() < key.size() && key[word.size()] == ':'
                            ? "a space is missing behind the colon of \""
                            : "a colon is missing behind \"",
                        word, "\"");
  }

  // What YAML's tags say: `?` is a plain word, `!` one in quotes.
  static bool IsText(const std::string& tag, Position position) {
    if (tag == "?") return false;
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return true;
    for (const char* plain : {"int", "float", "bool", "null"})
      if (tag == absl::StrCat("tag:yaml.org,2002:", plain)) return false;
    throw Refused{position,
                  absl::StrCat("the tag ", tag.substr(0, 40),
                               " means nothing here; write the value in quotes "
                               "if it begins with \"!\"")};
  }

  // A list or map whose end has not come yet.
  struct OpenNode {
    ConfigNode node;
    YAML::anchor_t anchor = 0;
    std::optional<ConfigNode::Entry> entry;  // A key that waits for its value.
    size_t key_at = 0;                       // Where that begins.
    std::map<std::string, int> key_lines;    // Those seen.
  };

  ConfigNode Make(ConfigNode::Kind kind, const YAML::Mark& mark) const {
    ConfigNode node;
    node.kind = kind;
    node.position = ToPosition(mark);
    return node;
  }

  void Open(ConfigNode node, YAML::anchor_t anchor) {
    if (static_cast<int>(open_.size()) >= limits_.max_depth)
      throw Refused{node.position, absl::StrCat("nested deeper than ",
                                                limits_.max_depth, " levels")};
    Charge(node, node.position);
    open_.push_back({std::move(node), anchor, std::nullopt, 0, {}});
  }

  void Close() {
    OpenNode top = std::move(open_.back());
    open_.pop_back();
    Place(std::move(top.node), top.anchor);
  }

  // A whole value: charged for all it contains.
  void Add(ConfigNode node, YAML::anchor_t anchor,
           std::optional<Position> where = std::nullopt) {
    Charge(node, where.value_or(node.position));
    Place(std::move(node), anchor);
  }

  void Charge(const ConfigNode& node, Position where) {
    nodes_ += 1;
    scalar_bytes_ += node.scalar.size();
    if (nodes_ > limits_.max_nodes || scalar_bytes_ > limits_.max_scalar_bytes)
      throw Refused{where, "more values than a pipeline file may hold"};
    for (const ConfigNode& child : node.list) Charge(child, where);
    for (const ConfigNode::Entry& entry : node.entries) {
      scalar_bytes_ += entry.key.size();
      Charge(entry.value, where);
    }
  }

  void Place(ConfigNode node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& top = open_.back();
    if (top.node.kind == ConfigNode::Kind::kList) {
      top.node.list.push_back(std::move(node));
    } else if (!top.entry.has_value()) {
      top.entry = KeyFrom(top, std::move(node));
      top.key_at = last_scalar_;
    } else {
      // yaml-cpp places a value that is left out at what comes after it.
      if (node.kind == ConfigNode::Kind::kNull && !node.written) {
        node.position = top.entry->position;
        if (!HasColon(top.key_at, top.entry->key))
          throw Refused{node.position, NoColon(top.entry->key)};
      }
      top.entry->value = std::move(node);
      top.node.entries.push_back(*std::move(top.entry));
      top.entry.reset();
    }
  }

  static ConfigNode::Entry KeyFrom(OpenNode& map, ConfigNode key) {
    if (key.kind != ConfigNode::Kind::kScalar)
      throw Refused{key.position, "a key must be a word"};
    const auto [seen, added] =
        map.key_lines.emplace(key.scalar, key.position.line);
    if (!added)
      throw Refused{key.position,
                    absl::StrCat("the key \"", key.scalar,
                                 "\" stands here a second time; it is already "
                                 "in line ",
                                 seen->second)};
    return {std::move(key.scalar), key.position, {}};
  }

  absl::string_view text_;
  size_t last_scalar_ = 0;  // Where it begins.
  const ConfigLimits& limits_;
  size_t nodes_ = 0;
  size_t scalar_bytes_ = 0;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;
  std::optional<ConfigNode> root_;
};

// What yaml-cpp would read wrongly or not at all.
absl::Status CheckText(const std::string& text, absl::string_view file,
                       const ConfigLimits& limits) {
  if (text.size() > limits.max_text_bytes)
    return BadConfig(file, {},
                     absl::StrCat("larger than ", limits.max_text_bytes,
                                  " bytes; is this a pipeline file?"));
  Position position;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\t' && c != '\n' && c != '\r')
      return BadConfig(file, position,
                       "a control character; is this a pipeline file?");
    ++position.column;
    if (c == '\n') position = {position.line + 1, 1};
  }
  if (!IsUtf8(text)) return BadConfig(file, {}, "not valid UTF-8");
  return absl::OkStatus();
}

}  // namespace

const ConfigNode* ConfigNode::Find(absl::string_view key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

absl::Status BadConfig(absl::string_view file, Position position,
                       absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_SPEC",
                   absl::StrCat(file, ":", position.line, ":", position.column,
                                ": ", message),
                   {{"yaml_line", absl::StrCat(position.line)},
                    {"yaml_column", absl::StrCat(position.column)}});
}

absl::StatusOr<ConfigNode> ParseConfig(const std::string& text,
                                       absl::string_view file,
                                       const ConfigLimits& limits) {
  RETURN_IF_ERROR(CheckText(text, file, limits));
  std::istringstream stream(text);
  TreeBuilder builder(text, limits);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder))
      return BadConfig(file, {}, "the file is empty");
    ConfigNode root = builder.TakeRoot();
    TreeBuilder second(text, limits);
    if (parser.HandleNextDocument(second))
      return BadConfig(file, second.TakeRoot().position,
                       "a second document; a pipeline file holds one");
    return root;
  } catch (const Refused& refused) {
    return BadConfig(file, refused.position, refused.message);
  } catch (const YAML::Exception& error) {
    // yaml-cpp tells where it gave up, which may be lines behind the mistake.
    const auto mistake = FindYamlMistake(text);
    return mistake.has_value()
               ? BadConfig(file, mistake->position, mistake->message)
               : BadConfig(file, ToPosition(error.mark), error.msg);
  }
}

}  // namespace troupe
