// Finds what is wrong with a text that is no YAML. A parser tells where it gave
// up, which is often lines behind what was meant; this looks at the text as its
// writer did: by lines, indentation, brackets and quotes.
//
// Thread safety: a function without state.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "client/spec/config_node.h"

namespace troupe {

struct YamlMistake {
  Position position;
  std::string message;
};

// The first mistake in `text`, which a parser has refused; nothing where none
// shows. Of a text that is YAML it may find one, too.
std::optional<YamlMistake> FindYamlMistake(absl::string_view text);

}  // namespace troupe
