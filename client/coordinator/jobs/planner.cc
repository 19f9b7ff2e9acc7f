#include "client/coordinator/jobs/planner.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/civil_time.h"
#include "services/table/file_names.h"
#include "services/table/glob.h"

namespace troupe {
namespace {

constexpr size_t kMaxNameLength = 64;

absl::Status CheckName(const std::string& name) {
  if (name.empty()) return BadSpec("name", "is required");
  if (name.size() > kMaxNameLength)
    return BadSpec(
        "name", absl::StrCat("is longer than ", kMaxNameLength, " characters"));
  for (const char c : name)
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' &&
        c != '-' && c != '.')
      return BadSpec("name",
                     absl::StrCat("\"", name,
                                  "\" may hold letters, digits, `_`, `-` and "
                                  "`.` only"));
  return absl::OkStatus();
}

absl::Status CheckSplit(const pb::SplitSpec& split,
                        const pb::ModelSpec& model) {
  // Written so that NaN fails.
  if (!(split.test() >= 0 && split.test() < 1))
    return BadSpec("split.test", "must be at least 0 and below 1");
  if (!(split.validation() >= 0 && split.validation() < 1))
    return BadSpec("split.validation", "must be at least 0 and below 1");
  if (split.test() + split.validation() >= 1)
    return BadSpec("split",
                   "test and validation together must be below 1: no rows "
                   "would be left to train on");
  if (model.xgboost().early_stopping() > 0 && split.validation() == 0)
    return BadSpec("model.xgboost.early_stopping",
                   "needs rows to watch; set split.validation above 0");
  return absl::OkStatus();
}

// Gives roles to columns, and remembers who asked.
class RoleTable {
 public:
  explicit RoleTable(const pb::Schema& source) : source_(source) {
    for (const pb::Field& field : source.fields())
      names_.push_back(field.name());
    roles_.assign(names_.size(), pb::FEATURE);
    fields_.assign(names_.size(), "");
    dropped_.assign(names_.size(), false);
  }

  absl::Status Give(const std::string& name, pb::ColumnRole role, bool drop,
                    const std::string& field) {
    for (size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == name) return GiveAt(i, role, drop, field);
    return WithMetadata(WithPrefix(UnknownColumn(name, names_), field), "field",
                        field);
  }

  // `pattern` is a name, or a glob where no column has that very name.
  absl::Status GiveMatching(const std::string& pattern, pb::ColumnRole role,
                            bool drop, const std::string& field) {
    bool literal = !HasGlob(pattern);
    for (const std::string& name : names_) literal |= name == pattern;
    if (literal) return Give(pattern, role, drop, field);
    bool matched = false;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (!MatchesGlob(pattern, names_[i])) continue;
      matched = true;
      // A pattern takes what is left; only two explicit wishes collide.
      if (fields_[i].empty()) RETURN_IF_ERROR(GiveAt(i, role, drop, field));
    }
    if (matched) return absl::OkStatus();
    return BadSpec(field, absl::StrCat("\"", pattern, "\" matches no column"));
  }

  pb::Schema Result() const {
    pb::Schema schema;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (dropped_[i]) continue;
      pb::Field* field = schema.add_fields();
      *field = source_.fields(static_cast<int>(i));
      field->set_role(roles_[i]);
      // What is carried is text; so are labels that look like dates.
      if (roles_[i] == pb::CARRY ||
          (roles_[i] == pb::TARGET && IsTime(field->type())))
        field->set_type(pb::STRING);
    }
    return schema;
  }

 private:
  absl::Status GiveAt(size_t i, pb::ColumnRole role, bool drop,
                      const std::string& field) {
    if (!fields_[i].empty())
      return BadSpec(field,
                     absl::StrCat("column \"", names_[i],
                                  "\" already has a role by ", fields_[i]));
    roles_[i] = role;
    dropped_[i] = drop;
    fields_[i] = field;
    return absl::OkStatus();
  }

  const pb::Schema& source_;
  std::vector<std::string> names_;
  std::vector<pb::ColumnRole> roles_;
  std::vector<std::string> fields_;  // Who gave the role; empty: nobody.
  std::vector<bool> dropped_;
};

std::string ReplacePrefix(absl::string_view text, const PlannedHop& hop) {
  // The model's parameters are the file's own blocks, once more below `model`.
  for (const absl::string_view block :
       {"model.model", "model.split", "model.output"})
    if (hop.is_model() && absl::StartsWith(text, block))
      return std::string(absl::StripPrefix(text, "model."));
  if (hop.is_model()) return std::string(text);
  if (hop.params.has_custom())
    return absl::StrCat(
        "steps[", hop.first_step, "].params", text == "custom" ? "" : ".",
        absl::StripPrefix(absl::StripPrefix(text, "custom"), "."));
  absl::string_view rest = absl::StripPrefix(text, "preprocessor.");
  if (rest == "steps") return "steps";  // What all of them leave.
  int64_t step = 0;
  if (!absl::ConsumePrefix(&rest, "steps[") || !absl::StrContains(rest, "]") ||
      !absl::SimpleAtoi(rest.substr(0, rest.find(']')), &step))
    return std::string(text);
  const absl::string_view behind = rest.substr(rest.find(']'));
  return absl::StrCat("steps[", step + hop.first_step, behind);
}

}  // namespace

absl::Status CheckOutput(const pb::OutputSpec& output,
                         absl::string_view field) {
  if (!pb::Format_IsValid(output.format()))
    return BadSpec(absl::StrCat(field, ".format"), "must be csv, tsv or jsonl");
  if (output.has_threshold() &&
      !(output.threshold() > 0 && output.threshold() < 1))
    return BadSpec(absl::StrCat(field, ".threshold"),
                   "must be above 0 and below 1");
  return absl::OkStatus();
}

absl::Status CheckSpec(const pb::PipelineSpec& spec) {
  RETURN_IF_ERROR(CheckName(spec.name()));
  if (spec.source().has_max_rejects() &&
      !(spec.source().max_rejects() >= 0 && spec.source().max_rejects() <= 1))
    return BadSpec("source.max_rejects", "must be from 0 to 1");
  for (int i = 0; i < spec.steps_size(); ++i) {
    const pb::Step& step = spec.steps(i);
    const bool custom = !step.stage().empty();
    const bool built_in = step.kind_case() != pb::Step::KIND_NOT_SET;
    if (custom == built_in)
      return BadSpec(absl::StrCat("steps[", i, "]"),
                     "must name exactly one step, or a stage");
    if (custom && (step.stage() == "loader" || step.stage() == "model" ||
                   step.stage() == "coordinator"))
      return BadSpec(absl::StrCat("steps[", i, "].stage"),
                     absl::StrCat("\"", step.stage(), "\" runs no steps"));
  }
  if (spec.has_model() &&
      spec.model().backend_case() == pb::ModelSpec::BACKEND_NOT_SET)
    return BadSpec("model", "must name a backend, such as xgboost");
  if (spec.has_model() && spec.roles().target().empty())
    return BadSpec("roles.target", "is required: a model learns to predict it");
  RETURN_IF_ERROR(CheckSplit(spec.split(), spec.model()));
  return CheckOutput(spec.output(), "output");
}

std::vector<PlannedHop> PlanHops(const pb::PipelineSpec& spec) {
  std::vector<PlannedHop> hops;
  for (int i = 0; i < spec.steps_size(); ++i) {
    const pb::Step& step = spec.steps(i);
    if (!step.stage().empty()) {
      PlannedHop& hop = hops.emplace_back();
      hop.stage = step.stage();
      hop.first_step = i;
      *hop.params.mutable_custom() = step.params();
      continue;
    }
    if (hops.empty() || !hops.back().params.has_preprocessor()) {
      PlannedHop& hop = hops.emplace_back();
      hop.stage = "preprocessor";
      hop.first_step = i;
      hop.params.mutable_preprocessor();
    }
    *hops.back().params.mutable_preprocessor()->add_steps() = step;
  }
  if (hops.empty() || !hops.back().params.has_preprocessor()) {
    PlannedHop& hop = hops.emplace_back();
    hop.stage = "preprocessor";
    hop.first_step = spec.steps_size();
  }
  hops.back().params.mutable_preprocessor()->set_makes_features(true);
  if (spec.has_model()) {
    PlannedHop& hop = hops.emplace_back();
    hop.stage = "model";
    hop.first_step = spec.steps_size();
    *hop.params.mutable_model()->mutable_model() = spec.model();
    *hop.params.mutable_model()->mutable_split() = spec.split();
    *hop.params.mutable_model()->mutable_output() = spec.output();
  }
  return hops;
}

absl::Status InSpecPaths(const absl::Status& status, const PlannedHop& hop) {
  ErrorMetadata metadata = MetadataOf(status);
  if (metadata.count("field") == 0) return status;
  const std::string message(status.message());
  std::vector<std::string> lines = absl::StrSplit(message, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string field = MetadataAt(metadata, "field", i);
    if (field.empty()) continue;
    const std::string path = ReplacePrefix(field, hop);
    // BadSpec begins its message with the field.
    if (absl::StartsWith(lines[i], field))
      lines[i] = absl::StrCat(path, lines[i].substr(field.size()));
    metadata[KeyAt("field", i)] = path;
  }
  return MakeError(status.code(), ReasonOf(status), absl::StrJoin(lines, "\n"),
                   metadata);
}

absl::StatusOr<pb::Schema> AssignRoles(const pb::Schema& source,
                                       const pb::Roles& roles) {
  RoleTable table(source);
  std::vector<absl::Status> mistakes;
  const auto keep = [&mistakes](const absl::Status& status) {
    if (!status.ok()) mistakes.push_back(status);
  };
  if (!roles.target().empty())
    keep(table.Give(roles.target(), pb::TARGET, false, "roles.target"));
  if (!roles.weight().empty())
    keep(table.Give(roles.weight(), pb::WEIGHT, false, "roles.weight"));
  // Names before globs, so that a glob never takes a column that another list
  // names.
  for (const bool globs : {false, true}) {
    for (int i = 0; i < roles.carry_size(); ++i)
      if (HasGlob(roles.carry(i)) == globs)
        keep(table.GiveMatching(roles.carry(i), pb::CARRY, false,
                                absl::StrCat("roles.carry[", i, "]")));
    for (int i = 0; i < roles.drop_size(); ++i)
      if (HasGlob(roles.drop(i)) == globs)
        keep(table.GiveMatching(roles.drop(i), pb::FEATURE, true,
                                absl::StrCat("roles.drop[", i, "]")));
  }
  if (!mistakes.empty()) return Together(mistakes);
  return table.Result();
}

pb::Schema Without(const pb::Schema& schema,
                   const std::vector<pb::ColumnRole>& roles) {
  pb::Schema result;
  for (const pb::Field& field : schema.fields()) {
    bool left_out = false;
    for (const pb::ColumnRole role : roles) left_out |= field.role() == role;
    if (!left_out) *result.add_fields() = field;
  }
  return result;
}

pb::Source MergeSource(const pb::Source& stored, const pb::Source& changes) {
  pb::Source merged = stored;
  if (!changes.path().empty()) {
    merged.clear_compression();
    if (FormatOf(changes.path()) != pb::FORMAT_UNSPECIFIED)
      merged.clear_format();
  }
  // A type without a format is ISO 8601, whatever the format was.
  for (const auto& [column, type] : changes.types())
    merged.mutable_time_formats()->erase(column);
  // Lists replace, as the fields beside them do.
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  changes.csv().GetReflection()->ListFields(changes.csv(), &fields);
  for (const auto* field : fields)
    if (field->is_repeated())
      merged.csv().GetReflection()->ClearField(merged.mutable_csv(), field);
  merged.MergeFrom(changes);
  return merged;
}

}  // namespace troupe
