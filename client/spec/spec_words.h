// The words that a pipeline file uses for values: enum values in lower case,
// their short forms, numbers and shares.
//
// Thread safety: functions without state.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace troupe {

// The words that a file may use for `type`, in the proto's order, short forms
// first.
std::vector<std::string> EnumWords(
    const google::protobuf::EnumDescriptor& type);

// The number that `word` stands for; nothing when it is none of EnumWords.
std::optional<int> EnumNumber(const google::protobuf::EnumDescriptor& type,
                              absl::string_view word);

// The word for `number`: the first of EnumWords that means it; "" when none
// does.
std::string EnumWord(const google::protobuf::EnumDescriptor& type, int number);

// A finite number.
std::optional<double> ParseNumber(absl::string_view text);

// A finite number, or `1 %` for 0.01.
std::optional<double> ParseShare(absl::string_view text);

}  // namespace troupe
