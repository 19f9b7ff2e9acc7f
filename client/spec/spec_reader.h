// A SpecReader fills a PipelineSpec from a parsed file, driven by the proto's
// descriptors: a key is a field's name. Only what
// proto/troupe/v1/pipeline.proto calls a short form has code of its own here.
//
// Thread safety: one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/spec/config_node.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// Where each field of a file stands, by its path (`steps[2].impute.columns`).
using FieldPositions = std::map<std::string, Position>;

// What is wrong, and where.
struct SpecMistake {
  Position position;
  std::string field;  // Its path; "" for the whole file.
  std::string message;
};

class SpecReader {
 public:
  // Fills `spec`. What is wrong is in mistakes() afterwards.
  void Read(const ConfigNode& root, pb::PipelineSpec& spec);

  // At most 20, in file order.
  const std::vector<SpecMistake>& mistakes() const { return mistakes_; }
  const FieldPositions& positions() const { return positions_; }

 private:
  using Message = google::protobuf::Message;
  using FieldDescriptor = google::protobuf::FieldDescriptor;

  void ReadMessage(const ConfigNode& node, const std::string& path,
                   Message& message);
  void ReadKeys(const ConfigNode& node, const std::string& path,
                Message& message);
  void ReadField(const ConfigNode& node, const std::string& path,
                 const FieldDescriptor& field, Message& message);
  void ReadRepeated(const ConfigNode& node, const std::string& path,
                    const FieldDescriptor& field, Message& message);
  // `{date: FORMAT}` in place of a column's type.
  void ReadTypeAndFormat(const ConfigNode::Entry& column,
                         const std::string& path, const FieldDescriptor& types,
                         Message& source);
  void ReadMapField(const ConfigNode& node, const std::string& path,
                    const FieldDescriptor& field, Message& message);
  // Sets (or, for a repeated field, adds) one scalar.
  void ReadScalar(const ConfigNode& node, const std::string& path,
                  const FieldDescriptor& field, Message& message);

  // The short forms.
  void ReadSelector(const ConfigNode& node, const std::string& path,
                    Message& message);
  void ReadStep(const ConfigNode& node, const std::string& path,
                Message& message);
  void ReadOneKey(const ConfigNode& node, const std::string& path,
                  absl::string_view what, Message& message);
  void ReadValue(const ConfigNode& node, const std::string& path,
                 google::protobuf::Value& value);
  void ReadStruct(const ConfigNode& node, const std::string& path,
                  google::protobuf::Struct& value);

  void UnknownKey(const ConfigNode::Entry& entry, const std::string& path,
                  const google::protobuf::Descriptor& type);
  // `hint` ends the message.
  void Expected(absl::string_view what, const ConfigNode& node,
                const std::string& path, absl::string_view hint = "");
  void Mistake(Position position, absl::string_view field,
               absl::string_view message);

  std::vector<SpecMistake> mistakes_;
  FieldPositions positions_;
};

}  // namespace troupe
