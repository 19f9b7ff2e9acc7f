#include "client/spec/spec_writer.h"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "absl/strings/match.h"
#include "client/spec/spec_words.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"

namespace troupe {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Value;

void WriteMessage(YAML::Emitter& yaml, const Message& message);

// The shortest text that reads back as `value`.
std::string ExactNumber(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  return std::string(buffer, end);
}

// A field of type string is read as it is written; only what YAML calls null
// needs quotes.
void WriteText(YAML::Emitter& yaml, const std::string& text) {
  const bool null =
      text.empty() || text == "~" || absl::EqualsIgnoreCase(text, "null");
  if (null) yaml << YAML::DoubleQuoted;
  yaml << text;
}

void WriteValue(YAML::Emitter& yaml, const Value& value) {
  switch (value.kind_case()) {
    case Value::kBoolValue:
      yaml << (value.bool_value() ? "true" : "false");
      break;
    case Value::kNumberValue:
      yaml << ExactNumber(value.number_value());
      break;
    case Value::kStringValue:
      yaml << YAML::DoubleQuoted << value.string_value();
      break;
    case Value::kListValue:
      yaml << YAML::Flow << YAML::BeginSeq;
      for (const Value& item : value.list_value().values())
        WriteValue(yaml, item);
      yaml << YAML::EndSeq;
      break;
    case Value::kStructValue:
      WriteMessage(yaml, value.struct_value());
      break;
    default:
      yaml << YAML::Null;
  }
}

void WriteScalar(YAML::Emitter& yaml, const Message& message,
                 const FieldDescriptor& field, int index) {
  const auto& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return WriteText(
          yaml, repeated ? reflection.GetRepeatedString(message, &field, index)
                         : reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      yaml << (reflection.GetBool(message, &field) ? "true" : "false");
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      yaml << reflection.GetInt32(message, &field);
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      yaml << std::to_string(reflection.GetUInt64(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      yaml << ExactNumber(reflection.GetDouble(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      yaml << EnumWord(
          *field.enum_type(),
          repeated ? reflection.GetRepeatedEnumValue(message, &field, index)
                   : reflection.GetEnumValue(message, &field));
      return;
    default:
      yaml << YAML::Null;
  }
}

// The format that stands beside the type of `column`, if any.
const std::string* TimeFormatOf(const pb::Source& source,
                                const std::string& column) {
  const auto found = source.time_formats().find(column);
  return found == source.time_formats().end() ? nullptr : &found->second;
}

// Maps of the proto in the order of their keys: the same text every time.
void WriteMapField(YAML::Emitter& yaml, const Message& message,
                   const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  const auto& type = *field.message_type();
  std::map<std::string, const Message*> pairs;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& pair = reflection.GetRepeatedMessage(message, &field, i);
    pairs[pair.GetReflection()->GetString(pair, type.map_key())] = &pair;
  }
  yaml << YAML::Flow << YAML::BeginMap;
  for (const auto& [key, pair] : pairs) {
    yaml << YAML::Key;
    WriteText(yaml, key);
    yaml << YAML::Value;
    const std::string* const format =
        field.full_name() == "troupe.v1.Source.types"
            ? TimeFormatOf(static_cast<const pb::Source&>(message), key)
            : nullptr;
    if (format != nullptr) yaml << YAML::Flow << YAML::BeginMap << YAML::Key;
    WriteScalar(yaml, *pair, *type.map_value(), 0);
    if (format != nullptr)
      yaml << YAML::Value << YAML::DoubleQuoted << *format << YAML::EndMap;
  }
  yaml << YAML::EndMap;
}

void WriteField(YAML::Emitter& yaml, const Message& message,
                const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  const bool nested = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (field.is_map()) return WriteMapField(yaml, message, field);
  if (!field.is_repeated())
    return nested ? WriteMessage(yaml, reflection.GetMessage(message, &field))
                  : WriteScalar(yaml, message, field, 0);
  if (!nested) yaml << YAML::Flow;
  yaml << YAML::BeginSeq;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (nested) {
      WriteMessage(yaml, reflection.GetRepeatedMessage(message, &field, i));
    } else {
      WriteScalar(yaml, message, field, i);
    }
  }
  yaml << YAML::EndSeq;
}

// Whether `selector` was written, in its short form.
bool WriteShortSelector(YAML::Emitter& yaml, const pb::Selector& selector) {
  pb::Selector rest = selector;
  rest.clear_names();
  if (rest.ByteSizeLong() == 0) {
    WriteField(yaml, selector,
               *selector.GetDescriptor()->FindFieldByName("names"));
    return true;
  }
  rest = selector;
  rest.clear_all();
  if (rest.ByteSizeLong() > 0) return false;
  yaml << "all";
  return true;
}

void WriteStruct(YAML::Emitter& yaml, const google::protobuf::Struct& value) {
  const std::map<std::string, Value> sorted(value.fields().begin(),
                                            value.fields().end());
  yaml << YAML::Flow << YAML::BeginMap;
  for (const auto& [key, field] : sorted) {
    yaml << YAML::Key;
    WriteText(yaml, key);
    yaml << YAML::Value;
    WriteValue(yaml, field);
  }
  yaml << YAML::EndMap;
}

void WriteMessage(YAML::Emitter& yaml, const Message& message) {
  const auto& type = *message.GetDescriptor();
  if (type.full_name() == "google.protobuf.Struct")
    return WriteStruct(yaml,
                       static_cast<const google::protobuf::Struct&>(message));
  if (type.full_name() == "google.protobuf.Value")
    return WriteValue(yaml, static_cast<const Value&>(message));
  if (type.full_name() == "troupe.v1.Selector" &&
      WriteShortSelector(yaml, static_cast<const pb::Selector&>(message)))
    return;
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  // What was stored without it meant 0; left out of a file it means the
  // default.
  if (type.full_name() == "troupe.v1.SplitSpec" &&
      !static_cast<const pb::SplitSpec&>(message).has_test())
    fields.insert(fields.begin(), type.FindFieldByName("test"));
  const bool outer = type.full_name() == "troupe.v1.PipelineSpec" ||
                     type.full_name() == "troupe.v1.Step" ||
                     type.full_name() == "troupe.v1.ModelSpec";
  yaml << (outer ? YAML::Block : YAML::Flow) << YAML::BeginMap;
  for (const FieldDescriptor* field : fields) {
    if (field->full_name() == "troupe.v1.Source.time_formats") continue;
    yaml << YAML::Key << field->name() << YAML::Value;
    WriteField(yaml, message, *field);
  }
  yaml << YAML::EndMap;
}

}  // namespace

std::string WriteSpec(const pb::PipelineSpec& spec) {
  pb::PipelineSpec whole = spec;
  whole.mutable_split();  // Even where nothing is set: see above.
  YAML::Emitter yaml;
  WriteMessage(yaml, whole);
  return std::string(yaml.c_str()) + "\n";
}

std::string WriteSource(const pb::Source& source) {
  pb::PipelineSpec part;
  *part.mutable_source() = source;
  YAML::Emitter yaml;
  WriteMessage(yaml, part);
  return std::string(yaml.c_str()) + "\n";
}

}  // namespace troupe
