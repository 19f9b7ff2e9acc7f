// Chooses columns: names, globs, a type, all, and exceptions
// (proto/troupe/v1/pipeline.proto, Selector).
//
// Before everything is fitted, some columns are not known yet (those that a
// one_hot will make). Then the choice among the known ones stands already, and
// what may still come is no error.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/table/table.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe::preprocessor {

// Columns that may or may not come into being.
struct UnknownColumns {
  std::string name;        // The only one, or the beginning of all.
  bool is_prefix = false;  // Whether `name` is a beginning.
};

// The columns that a step sees.
struct SelectionScope {
  Schema features;                      // Known.
  std::vector<UnknownColumns> unknown;  // Perhaps these too.
  Schema others;  // Columns of other roles, to tell why a name is not found.
};

struct Selection {
  std::vector<bool> matched;  // One per known feature.
  // A glob may turn out to be the very name of an unknown column, so nothing is
  // certain yet.
  bool undecided = false;
  // The unknown columns that are meant, too, should they come into being.
  std::vector<UnknownColumns> perhaps;
  // What is wrong with the choice, all of it: UNKNOWN_COLUMN for a name that is
  // not there (with the nearest), NO_COLUMN for a choice that matches nothing.
  // Metadata `field` is the place of the name: `PATH[1]`, `PATH.except[0]`.
  std::vector<absl::Status> mistakes;
};

// Says which features are meant. `path` is the selector's place in the
// parameters, `keyed` where that is a map by name; `optional` allows names that
// are not there and a choice that matches nothing. INVALID_ARGUMENT (BAD_SPEC)
// for a selector that says nothing.
absl::StatusOr<Selection> SelectColumns(const pb::Selector& selector,
                                        bool optional,
                                        const SelectionScope& scope,
                                        absl::string_view path,
                                        bool keyed = false);

}  // namespace troupe::preprocessor
