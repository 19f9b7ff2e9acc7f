#include "services/preprocessor/column_selector.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/glob.h"

namespace troupe::preprocessor {
namespace {

bool IsKind(pb::ColumnKind kind, DataType type) {
  switch (kind) {
    case pb::NUMBER:
      return IsNumber(type);
    case pb::TEXT:
      return type == pb::STRING;
    case pb::BOOLEAN:
      return type == pb::BOOL;
    case pb::POINT_IN_TIME:
      return IsTime(type);
    default:
      return true;
  }
}

bool MayBecome(const UnknownColumns& unknown, absl::string_view name) {
  return unknown.is_prefix ? absl::StartsWith(name, unknown.name)
                           : name == unknown.name;
}

bool MayBecome(const SelectionScope& scope, absl::string_view name) {
  return std::any_of(
      scope.unknown.begin(), scope.unknown.end(),
      [&](const UnknownColumns& unknown) { return MayBecome(unknown, name); });
}

absl::string_view RoleName(ColumnRole role) {
  switch (role) {
    case pb::CARRY:
      return "carried";
    case pb::TARGET:
    case pb::TARGET_TEXT:
      return "the target";
    case pb::WEIGHT:
      return "the weight";
    default:
      return "not a feature";
  }
}

absl::Status NoSuchColumn(absl::string_view name, const SelectionScope& scope,
                          absl::string_view path) {
  const int other = FindField(scope.others, name);
  if (other >= 0)
    return WithMetadata(
        MakeError(absl::StatusCode::kInvalidArgument, "UNKNOWN_COLUMN",
                  absl::StrCat(
                      path, ": column \"", name, "\" is ",
                      RoleName(scope.others[static_cast<size_t>(other)].role),
                      ", and steps see features only")),
        "field", path);
  std::vector<std::string> names;
  for (const Field& field : scope.features) names.push_back(field.name);
  return WithMetadata(WithPrefix(UnknownColumn(name, names), path), "field",
                      path);
}

absl::Status NoColumn(absl::string_view path, absl::string_view what) {
  return WithMetadata(
      MakeError(absl::StatusCode::kInvalidArgument, "NO_COLUMN",
                absl::StrCat(path, ": ", what,
                             "; set optional: true if that is fine")),
      "field", path);
}

// Marks what a list of names and globs means.
class NameMarker {
 public:
  NameMarker(const SelectionScope& scope, bool optional, absl::string_view path,
             bool keyed)
      : scope_(scope), optional_(optional), path_(path), keyed_(keyed) {
    for (size_t i = 0; i < scope.features.size(); ++i)
      places_.emplace(scope.features[i].name, i);
  }

  // Marks in `marks`; tells of unknown columns in `perhaps`, of others in the
  // selection's mistakes. `list` is the place of the list, `i` that of `name`.
  void Mark(absl::string_view name, absl::string_view list, int i,
            std::vector<bool>& marks, std::vector<UnknownColumns>& perhaps,
            Selection& selection) const {
    const auto place = places_.find(name);
    if (place != places_.end()) {
      marks[place->second] = true;
      return;
    }
    const std::string path = keyed_ ? absl::StrCat(path_, ".", name)
                                    : absl::StrCat(path_, list, "[", i, "]");
    if (!HasGlob(name)) {
      const bool may_become = MayBecome(scope_, name);
      if (may_become) perhaps.push_back({std::string(name), false});
      if (!optional_ && !may_become)
        selection.mistakes.push_back(NoSuchColumn(name, scope_, path));
      return;
    }
    if (MayBecome(scope_, name)) selection.undecided = true;
    // Beginnings of names fit many a pattern.
    perhaps.insert(perhaps.end(), scope_.unknown.begin(), scope_.unknown.end());
    bool any = false;
    for (size_t feature = 0; feature < scope_.features.size(); ++feature) {
      if (!MatchesGlob(name, scope_.features[feature].name)) continue;
      marks[feature] = any = true;
    }
    if (any || optional_ || !scope_.unknown.empty()) return;
    selection.mistakes.push_back(
        NoColumn(path, absl::StrCat("no feature matches \"", name, "\"")));
  }

 private:
  const SelectionScope& scope_;
  const bool optional_;
  const absl::string_view path_;
  const bool keyed_;
  absl::flat_hash_map<absl::string_view, size_t> places_;
};

}  // namespace

absl::StatusOr<Selection> SelectColumns(const pb::Selector& selector,
                                        bool optional,
                                        const SelectionScope& scope,
                                        absl::string_view path, bool keyed) {
  if (selector.names().empty() && !selector.all() &&
      selector.type() == pb::COLUMN_KIND_UNSPECIFIED &&
      selector.except().empty())
    return BadSpec(
        path, "say which columns: names and globs, all, or {type: number}");
  if (selector.all() && !selector.names().empty())
    return BadSpec(path, "both all and names are given");
  if (!pb::ColumnKind_IsValid(selector.type()))
    return BadSpec(path, "the type is none of number, string, bool, date");
  optional = optional || selector.optional();

  const NameMarker marker(scope, optional, path, keyed);
  Selection selection;
  selection.matched.assign(scope.features.size(), selector.names().empty());
  if (selector.names().empty()) selection.perhaps = scope.unknown;
  for (int i = 0; i < selector.names_size(); ++i)
    marker.Mark(selector.names(i), "", i, selection.matched, selection.perhaps,
                selection);
  std::vector<bool> excepted(scope.features.size(), false);
  std::vector<UnknownColumns> perhaps_excepted;
  for (int i = 0; i < selector.except_size(); ++i)
    marker.Mark(selector.except(i), ".except", i, excepted, perhaps_excepted,
                selection);

  bool any = false;
  for (size_t i = 0; i < scope.features.size(); ++i) {
    selection.matched[i] = selection.matched[i] && !excepted[i] &&
                           IsKind(selector.type(), scope.features[i].type);
    any = any || selection.matched[i];
  }
  if (!any && !optional && scope.unknown.empty() && selection.mistakes.empty())
    selection.mistakes.push_back(NoColumn(path, "no feature is matched"));
  return selection;
}

}  // namespace troupe::preprocessor
