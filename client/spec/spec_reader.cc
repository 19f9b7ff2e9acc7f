#include "client/spec/spec_reader.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/spec/spec_advice.h"
#include "client/spec/spec_words.h"
#include "google/protobuf/descriptor.h"
#include "services/base/nearest.h"

namespace troupe {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Kind = ConfigNode::Kind;

constexpr size_t kMaxMistakes = 20;

std::string Join(const std::string& path, absl::string_view key) {
  return path.empty() ? std::string(key) : absl::StrCat(path, ".", key);
}

// A word of the file's: it may be long.
std::string Quoted(absl::string_view word) {
  constexpr size_t kLongest = 60;
  return absl::StrCat("\"", word.substr(0, kLongest),
                      word.size() > kLongest ? "..." : "", "\"");
}

std::string Describe(const ConfigNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      break;
  }
  return Quoted(node.scalar);
}

// `; did you mean "x"?`, or all that is possible.
std::string Suggest(absl::string_view word,
                    const std::vector<std::string>& candidates) {
  const std::string near = DidYouMean(word, candidates);
  if (!near.empty()) return near;
  return absl::StrCat("; one of ", absl::StrJoin(candidates, ", "));
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i)
    names.push_back(type.field(i)->name());
  return names;
}

// What to write in place of a boolean that is almost right.
std::string BoolHint(const ConfigNode& node) {
  if (node.kind != Kind::kScalar || node.quoted)
    return ParseBool(node.scalar) ? "; leave out the quotes" : "";
  static constexpr absl::string_view kYes[] = {"yes", "on", "y"};
  static constexpr absl::string_view kNo[] = {"no", "off", "n"};
  const std::string lower = absl::AsciiStrToLower(node.scalar);
  if (std::find(std::begin(kYes), std::end(kYes), lower) != std::end(kYes))
    return "; in YAML 1.2 that is a word: write true";
  if (std::find(std::begin(kNo), std::end(kNo), lower) != std::end(kNo))
    return "; in YAML 1.2 that is a word: write false";
  return "";
}

// The same of a number.
std::string Hint(const ConfigNode& node) {
  if (node.kind != Kind::kScalar) return "";
  const std::string& text = node.scalar;
  if (node.quoted && ParseNumber(text)) return "; leave out the quotes";
  if (node.quoted) return "";
  const std::string joined = absl::StrReplaceAll(text, {{"_", ""}});
  if (joined != text && ParseNumber(joined))
    return absl::StrCat("; write ", joined);
  const std::string point = absl::StrReplaceAll(text, {{",", "."}});
  if (point != text && ParseNumber(point))
    return absl::StrCat("; write ", point);
  const std::optional<double> number = ParseNumber(text);
  if (number.has_value() && *number == std::floor(*number) &&
      std::abs(*number) < 1e15 && text.find_first_of(".eE") != text.npos)
    return absl::StrCat("; write ", static_cast<int64_t>(*number));
  return "";
}

// What `word`, which should have been a map of `type`, looks like: a key that
// lacks its colon, or the space behind that.
std::string KeyHint(absl::string_view word, const Descriptor& type) {
  const size_t end = word.find_first_of(" :={[");
  if (end == absl::string_view::npos) return "";
  const std::string key(word.substr(0, end));
  if (type.FindFieldByName(key) == nullptr) return "";
  return word[end] == ':'
             ? absl::StrCat("; a space is missing behind the colon of \"", key,
                            "\"")
             : absl::StrCat("; a colon is missing behind \"", key, "\"");
}

bool IsShare(const FieldDescriptor& field) {
  return field.full_name() == "troupe.v1.Source.max_rejects" ||
         field.containing_type()->full_name() == "troupe.v1.SplitSpec";
}

}  // namespace

void SpecReader::Read(const ConfigNode& root, pb::PipelineSpec& spec) {
  if (root.kind == Kind::kNull)
    return Mistake(root.position, "", "the file is empty");
  ReadMessage(root, "", spec);
}

void SpecReader::ReadMessage(const ConfigNode& node, const std::string& path,
                             Message& message) {
  const std::string& type = message.GetDescriptor()->full_name();
  if (type == "google.protobuf.Value")
    return ReadValue(node, path,
                     static_cast<google::protobuf::Value&>(message));
  if (type == "google.protobuf.Struct")
    return ReadStruct(node, path,
                      static_cast<google::protobuf::Struct&>(message));
  if (type == "troupe.v1.Selector") return ReadSelector(node, path, message);
  if (type == "troupe.v1.Step") return ReadStep(node, path, message);
  if (type == "troupe.v1.ModelSpec")
    return ReadOneKey(node, path, "a model", message);
  ReadKeys(node, path, message);
}

void SpecReader::ReadKeys(const ConfigNode& node, const std::string& path,
                          Message& message) {
  if (node.kind == Kind::kNull) return;
  const Descriptor& type = *message.GetDescriptor();
  if (node.kind != Kind::kMap) {
    const bool plain = node.kind == Kind::kScalar && !node.quoted;
    return Expected(
        path.empty() ? "a pipeline, keys such as `name: churn`" : "a map", node,
        path, plain ? KeyHint(node.scalar, type) : "");
  }
  for (const ConfigNode::Entry& entry : node.entries) {
    const FieldDescriptor* field = type.FindFieldByName(entry.key);
    if (field == nullptr) {
      UnknownKey(entry, path, type);
      continue;
    }
    const std::string field_path = Join(path, entry.key);
    const bool one_line = entry.value.kind == Kind::kScalar;
    positions_[field_path] = one_line ? entry.value.position : entry.position;
    ReadField(entry.value, field_path, *field, message);
  }
}

void SpecReader::ReadField(const ConfigNode& node, const std::string& path,
                           const FieldDescriptor& field, Message& message) {
  if (node.kind == Kind::kNull) {  // `weight: null` is no weight.
    const bool character =
        field.containing_type()->full_name() == "troupe.v1.CsvOptions";
    if (!node.written && character)
      Mistake(node.position, path,
              absl::StrCat(path,
                           ": nothing stands here; write what is meant in "
                           "quotes, such as \",\" or \"#\""));
    return;
  }
  if (field.is_map()) return ReadMapField(node, path, field, message);
  if (field.is_repeated()) return ReadRepeated(node, path, field, message);
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
    return ReadScalar(node, path, field, message);
  ReadMessage(node, path,
              *message.GetReflection()->MutableMessage(&message, &field));
}

void SpecReader::ReadRepeated(const ConfigNode& node, const std::string& path,
                              const FieldDescriptor& field, Message& message) {
  const bool of_messages = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (node.kind == Kind::kScalar && !of_messages)  // `carry: id`
    return ReadScalar(node, path, field, message);
  if (node.kind != Kind::kList) return Expected("a list", node, path);
  for (size_t i = 0; i < node.list.size(); ++i) {
    const ConfigNode& item = node.list[i];
    const std::string item_path = absl::StrCat(path, "[", i, "]");
    positions_[item_path] = item.position;
    if (of_messages) {
      ReadMessage(item, item_path,
                  *message.GetReflection()->AddMessage(&message, &field));
    } else if (item.kind == Kind::kNull) {
      Mistake(item.position, item_path,
              absl::StrCat(item_path,
                           ": nothing stands here; for the word "
                           "null write \"null\" in quotes"));
    } else {
      ReadScalar(item, item_path, field, message);
    }
  }
}

void SpecReader::ReadMapField(const ConfigNode& node, const std::string& path,
                              const FieldDescriptor& field, Message& message) {
  if (node.kind != Kind::kMap) return Expected("a map", node, path);
  const Descriptor& type = *field.message_type();
  for (const ConfigNode::Entry& entry : node.entries) {
    const std::string entry_path = Join(path, entry.key);
    positions_[entry_path] = entry.position;
    if (entry.value.kind == Kind::kNull) {
      Expected("a word", entry.value, entry_path);
      continue;
    }
    if (field.full_name() == "troupe.v1.Source.types" &&
        entry.value.kind == Kind::kMap) {
      ReadTypeAndFormat(entry, entry_path, field, message);
      continue;
    }
    Message& pair = *message.GetReflection()->AddMessage(&message, &field);
    pair.GetReflection()->SetString(&pair, type.map_key(), entry.key);
    ReadScalar(entry.value, entry_path, *type.map_value(), pair);
  }
}

void SpecReader::ReadTypeAndFormat(const ConfigNode::Entry& column,
                                   const std::string& path,
                                   const FieldDescriptor& types,
                                   Message& source) {
  const std::vector<ConfigNode::Entry>& entries = column.value.entries;
  if (entries.size() != 1 || entries[0].value.kind != Kind::kScalar ||
      (entries[0].key != "date" && entries[0].key != "timestamp"))
    return Expected("a type, {date: FORMAT} or {timestamp: FORMAT}",
                    column.value, path);
  Message& pair = *source.GetReflection()->AddMessage(&source, &types);
  const auto& type = *types.message_type();
  pair.GetReflection()->SetString(&pair, type.map_key(), column.key);
  pair.GetReflection()->SetEnumValue(
      &pair, type.map_value(),
      entries[0].key == "date" ? pb::DATE : pb::TIMESTAMP);
  static_cast<pb::Source&>(source).mutable_time_formats()->insert(
      {column.key, entries[0].value.scalar});
}

void SpecReader::ReadScalar(const ConfigNode& node, const std::string& path,
                            const FieldDescriptor& field, Message& message) {
  const auto& reflection = *message.GetReflection();
  const bool scalar = node.kind == Kind::kScalar;
  const std::string& text = node.scalar;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:  // Numbers and such as written.
      if (!scalar) return Expected("a word", node, path);
      if (field.is_repeated())
        return reflection.AddString(&message, &field, text);
      return reflection.SetString(&message, &field, text);
    case FieldDescriptor::CPPTYPE_BOOL:
      if (const auto value = ParseBool(text);
          scalar && !node.quoted && value.has_value())
        return reflection.SetBool(&message, &field, *value);
      return Expected("true or false", node, path, BoolHint(node));
    case FieldDescriptor::CPPTYPE_INT32:
      if (const auto value = ParseWhole(text, INT32_MIN, INT32_MAX);
          scalar && !node.quoted && value.has_value())
        return reflection.SetInt32(&message, &field,
                                   static_cast<int32_t>(*value));
      return Expected("a whole number", node, path, Hint(node));
    case FieldDescriptor::CPPTYPE_UINT64:
      if (const auto value = ParseUnsigned(text);
          scalar && !node.quoted && value.has_value())
        return reflection.SetUInt64(&message, &field, *value);
      return Expected("a whole number from 0 on", node, path, Hint(node));
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const bool share = IsShare(field);
      // A quoted "1 %" is what JSON needs.
      const bool number = scalar && (!node.quoted || share);
      const std::optional<double> value =
          share ? ParseShare(text) : ParseNumber(text);
      if (!number || !value.has_value())
        return Expected(share ? "a share such as 0.01 or 1 %" : "a number",
                        node, path, Hint(node));
      return reflection.SetDouble(&message, &field, *value);
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto& type = *field.enum_type();
      if (!scalar) return Expected("a word", node, path);
      if (const std::optional<int> value = EnumNumber(type, text)) {
        if (field.is_repeated())
          return reflection.AddEnumValue(&message, &field, *value);
        return reflection.SetEnumValue(&message, &field, *value);
      }
      return Mistake(node.position, path,
                     absl::StrCat(path, ": no value ", Describe(node),
                                  Suggest(text, EnumWords(type))));
    }
    default:  // A type that pipeline.proto does not use yet.
      return Mistake(node.position, path,
                     absl::StrCat(path, ": of a type that files cannot hold"));
  }
}

void SpecReader::UnknownKey(const ConfigNode::Entry& entry,
                            const std::string& path, const Descriptor& type) {
  std::string help = KeyHint(entry.key, type);
  if (help.empty()) help = AdviceFor(entry.key, path, type);
  if (help.empty()) help = Suggest(entry.key, FieldNames(type));
  Mistake(entry.position, Join(path, entry.key),
          absl::StrCat("unknown key ", Quoted(entry.key),
                       path.empty() ? "" : absl::StrCat(" in ", path), help));
}

void SpecReader::Expected(absl::string_view what, const ConfigNode& node,
                          const std::string& path, absl::string_view hint) {
  Mistake(node.position, path,
          absl::StrCat(path, path.empty() ? "" : ": ", "expects ", what,
                       ", not ", Describe(node), hint));
}

void SpecReader::Mistake(Position position, absl::string_view field,
                         absl::string_view message) {
  if (mistakes_.size() < kMaxMistakes)
    mistakes_.push_back({position, std::string(field), std::string(message)});
}

}  // namespace troupe
