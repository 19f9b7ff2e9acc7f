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

// --- YAML 1.2, core schema
// ---------------------------------------------------- true, True, TRUE, false,
// False, FALSE; `yes`, `on` and such are words.
std::optional<bool> ParseBool(absl::string_view text);

// A finite number: decimal, 0o17, 0x1F; no `1_000`, no infinity.
std::optional<double> ParseNumber(absl::string_view text);

// A whole number of at least `least` and at most `most`, decimal, 0o17 or 0x1F.
std::optional<int64_t> ParseWhole(absl::string_view text, int64_t least,
                                  int64_t most);
std::optional<uint64_t> ParseUnsigned(absl::string_view text);

// ------------------------------------------------------------------------------

// A finite number, or `1 %` for 0.01.
std::optional<double> ParseShare(absl::string_view text);

}  // namespace troupe
