// A ConfigNode is one value of a YAML or JSON file, with the place where it
// stands: a scalar as it was written, a list or a map.
//
// Thread safety: as for a struct.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace troupe {

// A place in a text; both count from 1, columns in bytes.
struct Position {
  int line = 1;
  int column = 1;

  bool operator==(const Position&) const = default;
};

struct ConfigNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  Position position;
  std::string scalar;   // kScalar: as written, quotes and escapes undone.
  bool quoted = false;  // kScalar: then it is text, whatever it looks like.
  bool written = true;  // kNull: as null or ~; otherwise nothing stands there.
  std::vector<ConfigNode> list;  // kList.
  std::vector<Entry> entries;    // kMap: in order; keys are unique.

  // The value under `key`, or null.
  const ConfigNode* Find(absl::string_view key) const;
};

struct ConfigNode::Entry {
  std::string key;
  Position position;  // Of the key.
  ConfigNode value;
};

// What a file may hold at most, so that a hostile one costs little: aliases
// count as the values they stand for.
struct ConfigLimits {
  size_t max_text_bytes = size_t{1} << 20;
  size_t max_nodes = 100'000;
  size_t max_scalar_bytes = size_t{4} << 20;  // All scalars together.
  int max_depth = 64;
};

// Parses one YAML document; JSON is YAML, too. Returns INVALID_ARGUMENT
// (BAD_SPEC) with `file:line:column: what is wrong` for text that is none, for
// duplicate keys, a second document, and beyond the limits.
absl::StatusOr<ConfigNode> ParseConfig(const std::string& text,
                                       absl::string_view file,
                                       const ConfigLimits& limits = {});

// Makes INVALID_ARGUMENT (BAD_SPEC) `file:line:column: message`, metadata
// `yaml_line` and `yaml_column`.
absl::Status BadConfig(absl::string_view file, Position position,
                       absl::string_view message);

}  // namespace troupe
