// The parts of SpecReader that are not one key for one field.
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/spec/spec_reader.h"
#include "client/spec/spec_words.h"
#include "google/protobuf/descriptor.h"

namespace troupe {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Kind = ConfigNode::Kind;

// What people write when they forget to indent:
//   - impute:
//     columns: all
bool LooksUnindented(const ConfigNode& step, const Descriptor& type) {
  const ConfigNode::Entry& first = step.entries[0];
  const FieldDescriptor* kind = type.FindFieldByName(first.key);
  return first.value.kind == Kind::kNull && kind != nullptr &&
         kind->message_type() != nullptr &&
         kind->message_type()->FindFieldByName(step.entries[1].key) != nullptr;
}

// Whether `text` is a whole number that `number` is not: such values are
// doubles on the wire.
bool LosesDigits(absl::string_view text, double number) {
  if (text.find_first_not_of("+-0123456789") != absl::string_view::npos)
    return false;
  constexpr double kFitsInt64 = 9e18;
  int64_t whole = 0;
  return !absl::SimpleAtoi(text, &whole) || std::abs(number) > kFitsInt64 ||
         static_cast<int64_t>(number) != whole;
}

}  // namespace

void SpecReader::ReadSelector(const ConfigNode& node, const std::string& path,
                              Message& message) {
  auto& selector = static_cast<pb::Selector&>(message);
  if (node.kind == Kind::kMap) {
    ReadKeys(node, path, message);
    // Who complains of a name knows one form of the list.
    for (int i = 0; i < selector.names_size(); ++i)
      if (const auto found =
              positions_.find(absl::StrCat(path, ".names[", i, "]"));
          found != positions_.end())
        positions_[absl::StrCat(path, "[", i, "]")] = found->second;
    return;
  }
  if (node.kind == Kind::kScalar && node.scalar == "all")
    return selector.set_all(true);
  if (node.kind == Kind::kNull) return;
  ReadRepeated(node, path, *selector.GetDescriptor()->FindFieldByName("names"),
               message);
}

void SpecReader::ReadStep(const ConfigNode& node, const std::string& path,
                          Message& message) {
  if (node.kind != Kind::kMap ||
      (node.Find("stage") == nullptr && node.Find("params") == nullptr))
    return ReadOneKey(node, path, "a step", message);
  ReadKeys(node, path, message);
  for (const ConfigNode::Entry& entry : node.entries) {
    if (entry.key == "stage" || entry.key == "params") continue;
    if (message.GetDescriptor()->FindFieldByName(entry.key) != nullptr)
      Mistake(entry.position, path,
              absl::StrCat(path, ": a step has a `stage` or \"", entry.key,
                           "\", not both"));
  }
}

void SpecReader::ReadOneKey(const ConfigNode& node, const std::string& path,
                            absl::string_view what, Message& message) {
  if (node.kind == Kind::kScalar) {  // `- standardize` is `standardize: {}`.
    ConfigNode map;
    map.kind = Kind::kMap;
    map.position = node.position;
    map.entries.push_back({node.scalar, node.position, {}});
    return ReadOneKey(map, path, what, message);
  }
  if (node.kind != Kind::kMap || node.entries.empty())
    return Expected(absl::StrCat(what, " such as `NAME: {...}`"), node, path);
  const Descriptor& type = *message.GetDescriptor();
  const ConfigNode::Entry& first = node.entries[0];
  if (node.entries.size() > 1) {
    const ConfigNode::Entry& second = node.entries[1];
    return Mistake(
        second.position, path,
        LooksUnindented(node, type)
            ? absl::StrCat(path, ": \"", second.key, "\" belongs below \"",
                           first.key, "\"; indent it further")
            : absl::StrCat(path, ": ", what, " has one key, but \"", second.key,
                           "\" stands beside \"", first.key, "\""));
  }
  ReadKeys(node, path, message);
  const FieldDescriptor* field = type.FindFieldByName(first.key);
  if (field != nullptr && field->message_type() != nullptr)
    message.GetReflection()->MutableMessage(&message, field);
}

void SpecReader::ReadStruct(const ConfigNode& node, const std::string& path,
                            google::protobuf::Struct& value) {
  if (node.kind == Kind::kNull) return;
  if (node.kind != Kind::kMap) return Expected("a map", node, path);
  for (const ConfigNode::Entry& entry : node.entries) {
    const std::string entry_path =
        path.empty() ? entry.key : absl::StrCat(path, ".", entry.key);
    positions_[entry_path] = entry.value.position;
    ReadValue(entry.value, entry_path, (*value.mutable_fields())[entry.key]);
  }
}

void SpecReader::ReadValue(const ConfigNode& node, const std::string& path,
                           google::protobuf::Value& value) {
  switch (node.kind) {
    case Kind::kNull:
      return value.set_null_value(google::protobuf::NULL_VALUE);
    case Kind::kMap:
      return ReadStruct(node, path, *value.mutable_struct_value());
    case Kind::kList:
      value.mutable_list_value();
      for (size_t i = 0; i < node.list.size(); ++i)
        ReadValue(node.list[i], absl::StrCat(path, "[", i, "]"),
                  *value.mutable_list_value()->add_values());
      return;
    case Kind::kScalar:
      break;
  }
  if (node.quoted) return value.set_string_value(node.scalar);
  if (const auto boolean = ParseBool(node.scalar); boolean.has_value())
    return value.set_bool_value(*boolean);
  const std::optional<double> number = ParseNumber(node.scalar);
  if (!number.has_value()) return value.set_string_value(node.scalar);
  if (LosesDigits(node.scalar, *number))
    return Mistake(node.position, path,
                   absl::StrCat(path, ": ", node.scalar,
                                " has more digits than can be kept; write it "
                                "in quotes if it is text"));
  value.set_number_value(*number);
}

}  // namespace troupe
