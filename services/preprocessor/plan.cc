#include "services/preprocessor/plan.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/base/errors.h"
#include "services/base/nearest.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/column_selector.h"

namespace troupe::preprocessor {
namespace {

// What a partial may hold for quantiles, shared by the columns of a pass: this
// many values, or this many bins. Half of 32 MiB each, roughly.
constexpr int64_t kMaxKeptValues = int64_t{3} << 19;
constexpr int64_t kMaxPassBins = int64_t{3} << 20;
constexpr int32_t kMaxBinBits = 12;

// Columns over all steps: each step keeps its own list of them.
constexpr int64_t kMaxPlannedColumns = 2'000'000;

std::string StepPath(int step) {
  return absl::StrCat("preprocessor.steps[", step, "]");
}

absl::Status Corrupt(absl::string_view what) { return ArtifactCorrupt(what); }

absl::Status Duplicate(const std::string& name, const std::string& path) {
  return WithMetadata(
      MakeError(absl::StatusCode::kInvalidArgument, "DUPLICATE_COLUMN",
                absl::StrCat(path, ": two columns would be named \"", name,
                             "\"; rename one of them first"),
                {{"column", name}}),
      "field", path);
}

std::string Quoted(const std::vector<std::string>& columns) {
  constexpr size_t kNamed = 20;
  std::string names;
  for (size_t i = 0; i < columns.size() && i < kNamed; ++i)
    absl::StrAppend(&names, i == 0 ? "" : ", ", "\"", columns[i], "\"");
  if (columns.size() > kNamed)
    absl::StrAppend(&names, " and ", columns.size() - kNamed, " more");
  return names;
}

// `what`: what they are, and what to do about it.
absl::Status NotNumbers(const std::vector<std::string>& columns,
                        absl::string_view what) {
  const bool one = columns.size() == 1;
  return WithMetadata(
      MakeError(absl::StatusCode::kInvalidArgument, "NOT_A_NUMBER",
                absl::StrCat(one ? "column " : "columns ", Quoted(columns),
                             one ? " is" : " are",
                             " not a number after the last step, as the model "
                             "needs it, but ",
                             what),
                {{"column", columns[0]}}),
      "field", "preprocessor.steps");
}

}  // namespace

class PlanBuilder {
 public:
  explicit PlanBuilder(pb::FittedPreprocessor known) : plan_(new Plan) {
    plan_->known_ = std::move(known);
  }

  absl::StatusOr<std::shared_ptr<const Plan>> Build();

 private:
  using FittedByName = absl::flat_hash_map<std::string, pb::FittedColumn>;

  // A column as it stands before a step.
  struct Slot {
    Field field;
    bool known =
        true;  // Otherwise a place where columns may yet come to stand.
    bool prefix =
        false;     // Unknown: all that begin with the name; else just it.
    int pass = 0;  // From which on the values can be computed; 0: this.
    bool finite = false;  // No infinities are left.
    bool ready() const { return known && pass == 0; }
  };
  static Slot UnknownSlot(std::string name, bool prefix, int pass);

  absl::Status ReadInput();
  absl::Status ReadTransforms();
  absl::StatusOr<FittedByName> ReadFitted(int step) const;
  absl::Status PlanStep(int step);
  absl::StatusOr<std::vector<bool>> Match(int step, const FittedByName& fitted);
  int PassOfRejects(const Transform& transform,
                    const std::vector<bool>& matched) const;
  int PassOfUnknown() const;
  void ForeseeSteps(int first);
  void PlaceUnknown(const Transform& transform);
  absl::Status PlanColumn(int step, Slot slot, const FittedByName& fitted);
  void Observe(int step, const Field& field, Needs needs, ColumnPlan& column);
  void PlaceOutputs(const Outputs& outputs, int pass, bool finite);
  int LearnedAfter(int pass, const Needs& needs);
  absl::Status CheckNames(const std::string& path) const;
  absl::Status CheckFeatures() const;
  void Finish();
  void ShareLimits();

  const pb::FittedPreprocessor& known() const { return plan_->known_; }

  std::shared_ptr<Plan> plan_;
  Schema others_;
  std::vector<std::string> paths_;  // Of the steps: `steps[2].impute`.
  std::vector<Slot> slots_;
  // While a step is planned.
  std::vector<Slot> next_;
  std::vector<Slot> next_at_end_;
  pb::FittedStep resolved_step_;
  std::vector<UnknownColumns> perhaps_;  // What it may work on, too.
  std::vector<absl::Status> mistakes_;   // Of the selectors.
  // Nothing behind this point can be planned yet.
  bool undecided_ = false;
  // The pass from which on every row is rejected that a step so far rejects.
  int settled_ = 0;
  std::vector<pb::FittedStep> resolved_;
  int64_t brackets_ = 0;
  int64_t planned_columns_ = 0;
};

PlanBuilder::Slot PlanBuilder::UnknownSlot(std::string name, bool prefix,
                                           int pass) {
  Slot slot;
  slot.field.name = std::move(name);
  slot.known = false;
  slot.prefix = prefix;
  slot.pass = pass;
  return slot;
}

absl::StatusOr<std::shared_ptr<const Plan>> PlanBuilder::Build() {
  RETURN_IF_ERROR(ReadInput());
  RETURN_IF_ERROR(ReadTransforms());
  // Names that are wrong are told all at once: what the steps do with the right
  // ones is known all the same.
  int step = 0;
  for (; step < known().params().steps_size() && !undecided_; ++step) {
    const absl::Status status = PlanStep(step);
    if (status.ok()) continue;
    mistakes_.push_back(status);
    return Together(mistakes_);
  }
  if (!mistakes_.empty()) return Together(mistakes_);
  if (undecided_) ForeseeSteps(step - 1);
  RETURN_IF_ERROR(CheckFeatures());
  Finish();
  if (known().complete() && !plan_->finished_)
    return Corrupt("a step is not fitted");
  return std::shared_ptr<const Plan>(std::move(plan_));
}

absl::Status PlanBuilder::ReadInput() {
  ASSIGN_OR_RETURN(const Schema input, FromProto(known().input()));
  for (const Field& field : input) {
    if (field.role != pb::FEATURE) {
      others_.push_back(field);
      continue;
    }
    plan_->input_.push_back(field);
    Slot slot;
    slot.field = field;
    slot.finite = field.type != pb::FLOAT64;
    slots_.push_back(std::move(slot));
  }
  return absl::OkStatus();
}

absl::Status PlanBuilder::ReadTransforms() {
  const int steps = known().params().steps_size();
  if (known().steps_size() != 0 && known().steps_size() != steps)
    return Corrupt("another number of steps");
  plan_->known_.mutable_steps()->Reserve(steps);
  while (known().steps_size() < steps) plan_->known_.add_steps();
  for (int step = 0; step < steps; ++step) {
    const pb::Step& spec = known().params().steps(step);
    const std::string path = StepPath(step);
    ASSIGN_OR_RETURN(auto transform, MakeTransform(spec, path));
    paths_.push_back(absl::StrCat(path, ".", StepName(spec)));
    plan_->transforms_.push_back(std::move(transform));
  }
  return absl::OkStatus();
}

absl::StatusOr<PlanBuilder::FittedByName> PlanBuilder::ReadFitted(
    int step) const {
  FittedByName fitted;
  for (const pb::FittedColumn& column : known().steps(step).columns())
    if (!fitted.emplace(column.name(), column).second)
      return Corrupt("a column is fitted twice");
  return fitted;
}

// Which slots the step works on: as stored in an artifact, otherwise by the
// selector.
absl::StatusOr<std::vector<bool>> PlanBuilder::Match(
    int step, const FittedByName& fitted) {
  std::vector<bool> matched(slots_.size(), false);
  if (known().complete()) {
    size_t found = 0;
    for (size_t i = 0; i < slots_.size(); ++i) {
      matched[i] = fitted.contains(slots_[i].field.name);
      found += matched[i] ? 1 : 0;
    }
    if (found != fitted.size()) return Corrupt("a fitted column is unknown");
    return matched;
  }
  SelectionScope scope;
  scope.others = others_;
  for (const Slot& slot : slots_) {
    if (slot.known) {
      scope.features.push_back(slot.field);
    } else {
      scope.unknown.push_back({slot.field.name, slot.prefix});
    }
  }
  const Transform& transform = *plan_->transforms_[static_cast<size_t>(step)];
  ASSIGN_OR_RETURN(
      const Selection selection,
      SelectColumns(transform.selector(), transform.optional(), scope,
                    absl::StrCat(paths_[static_cast<size_t>(step)], ".columns"),
                    known().params().steps(step).has_rename()));
  mistakes_.insert(mistakes_.end(), selection.mistakes.begin(),
                   selection.mistakes.end());
  undecided_ = selection.undecided;
  perhaps_ = selection.perhaps;
  size_t feature = 0;
  for (size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].known)
      matched[i] = selection.matched[feature++] != transform.inverted();
  return matched;
}

absl::Status PlanBuilder::PlanStep(int step) {
  ASSIGN_OR_RETURN(const FittedByName fitted, ReadFitted(step));
  ASSIGN_OR_RETURN(const std::vector<bool> matched, Match(step, fitted));
  if (undecided_) return absl::OkStatus();
  const Transform& transform = *plan_->transforms_[static_cast<size_t>(step)];
  settled_ = std::max(settled_, PassOfRejects(transform, matched));
  plan_->steps_.emplace_back();
  next_.clear();
  next_at_end_.clear();
  resolved_step_.Clear();
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (matched[i]) {
      RETURN_IF_ERROR(PlanColumn(step, std::move(slots_[i]), fitted));
      continue;
    }
    if (slots_[i].ready()) {
      ColumnPlan pass;
      pass.field = slots_[i].field;
      plan_->steps_.back().columns.push_back(std::move(pass));
    }
    next_.push_back(std::move(slots_[i]));
  }
  PlaceUnknown(transform);
  slots_ = std::move(next_);
  std::move(next_at_end_.begin(), next_at_end_.end(),
            std::back_inserter(slots_));
  resolved_.push_back(resolved_step_);
  planned_columns_ += static_cast<int64_t>(plan_->steps_.back().columns.size());
  if (planned_columns_ > kMaxPlannedColumns)
    return BadSpec(paths_[static_cast<size_t>(step)],
                   absl::StrCat("all steps together would have more than ",
                                kMaxPlannedColumns,
                                " columns to pass on; use fewer "
                                "steps, or drop columns earlier"));
  plan_->widest_ =
      std::max(plan_->widest_, static_cast<int64_t>(slots_.size()));
  return CheckNames(paths_[static_cast<size_t>(step)]);
}

// The pass from which on every row is rejected that the step rejects: columns
// that are not ready yet may hold values that it refuses.
int PlanBuilder::PassOfRejects(const Transform& transform,
                               const std::vector<bool>& matched) const {
  int pass = 0;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (matched[i] && (transform.may_reject(slot.field) ||
                       (transform.reads_values() && !slot.finite)))
      pass = std::max(pass, slot.pass);
  }
  // Columns that are made of categories and bins are finite numbers.
  const Field made;
  if (transform.inverted() || perhaps_.empty() || !transform.may_reject(made))
    return pass;
  return std::max(pass, PassOfUnknown());
}

// When all columns will be there that may come into being.
int PlanBuilder::PassOfUnknown() const {
  int pass = 1;
  for (const Slot& slot : slots_)
    if (!slot.known) pass = std::max(pass, slot.pass);
  return pass;
}

// How many passes it takes at least from step `first` on, of which the columns
// are not known yet.
void PlanBuilder::ForeseeSteps(int first) {
  int learning = 0;
  for (size_t i = static_cast<size_t>(first); i < plan_->transforms_.size();
       ++i) {
    const Needs needs = plan_->transforms_[i]->NeedsOf(Field());
    if (needs.any() && learning++ == 0) LearnedAfter(PassOfUnknown(), needs);
  }
  // Whether the others learn from what the first makes is not known.
  plan_->passes_unclear_ |= learning > 1;
}

// What becomes of columns that may come into being: their names must be known
// to the steps behind.
void PlanBuilder::PlaceUnknown(const Transform& transform) {
  if (transform.inverted()) return;
  int pass = 0;
  if (!perhaps_.empty()) {
    pass = LearnedAfter(PassOfUnknown(), transform.NeedsOf(Field()));
    for (Slot& slot : next_)
      if (!slot.known) slot.pass = std::max(slot.pass, pass);
  }
  const auto place = [&](const std::string& name, bool prefix,
                         std::vector<Slot>& slots) {
    for (const std::vector<Slot>* known : {&next_, &next_at_end_})
      for (const Slot& slot : *known)
        if (!slot.known && slot.prefix == prefix && slot.field.name == name)
          return;
    slots.push_back(UnknownSlot(name, prefix, pass));
  };
  for (const UnknownColumns& column : perhaps_) {
    Field field;
    field.name = column.name;
    const Outputs outputs = transform.Foresee(field);
    for (const Field& output : outputs.in_place)
      if (output.name != field.name)
        place(output.name, column.is_prefix, next_);
    // What begins with a longer name begins with the shorter one, too.
    if (outputs.unknown_prefix.has_value() && !column.is_prefix)
      place(*outputs.unknown_prefix, true, next_);
    if (!outputs.at_end.has_value()) continue;
    // Of many columns, all that begin alike: otherwise their number would
    // double with every step.
    absl::string_view name = outputs.at_end->name;
    if (column.is_prefix) absl::ConsumeSuffix(&name, field.name);
    place(std::string(name), column.is_prefix, next_at_end_);
  }
}

absl::Status PlanBuilder::PlanColumn(int step, Slot slot,
                                     const FittedByName& fitted) {
  const Transform& transform = *plan_->transforms_[static_cast<size_t>(step)];
  const Field& field = slot.field;
  if (IsTime(field.type) && !transform.takes_times())
    return BadSpec(
        absl::StrCat(paths_[static_cast<size_t>(step)], ".columns"),
        absl::StrCat("column \"", field.name, "\" is ", TypeName(field.type),
                     "; date_parts turns it into numbers"));
  RETURN_IF_ERROR(
      transform.CheckColumn(field, paths_[static_cast<size_t>(step)]));
  const Needs needs = transform.NeedsOf(field);
  const auto known_column = fitted.find(field.name);
  pb::FittedColumn learned;
  learned.set_name(field.name);
  if (known_column != fitted.end()) learned = known_column->second;
  const bool waits = needs.any() && known_column == fitted.end();
  const bool reads = transform.reads_values();
  const bool finite = (slot.finite || reads) && !transform.may_overflow();
  if (slot.pass > 0) {
    PlaceOutputs(transform.Foresee(field), LearnedAfter(slot.pass, needs),
                 finite);
    return absl::OkStatus();
  }
  ColumnPlan column;
  column.field = field;
  plan_->steps_.back().idle = false;
  column.check_finite = reads && !slot.finite;
  if (waits) {
    PlaceOutputs(transform.Foresee(field), LearnedAfter(0, needs), finite);
    Observe(step, field, needs, column);
  } else {
    ASSIGN_OR_RETURN(column.transform, transform.Bind(field, learned));
    PlaceOutputs(column.transform->outputs(), 0, finite);
    *resolved_step_.add_columns() = std::move(learned);
  }
  plan_->steps_.back().columns.push_back(std::move(column));
  return absl::OkStatus();
}

// The pass from which on a step's results are there, of a column that is there
// from `pass` on.
int PlanBuilder::LearnedAfter(int pass, const Needs& needs) {
  if (!needs.any()) return pass;
  if (needs.order()) ++plan_->ordered_columns_;
  const int learned = std::max(pass, settled_) + 1;
  plan_->passes_ = std::max(plan_->passes_, learned);
  return learned;
}

// Observes the column in this pass, unless some of its rows may not count, or
// the pass has its hands full.
void PlanBuilder::Observe(int step, const Field& field, Needs needs,
                          ColumnPlan& column) {
  const Transform& transform = *plan_->transforms_[static_cast<size_t>(step)];
  if (settled_ > 0) {
    column.left_out = true;
    return;
  }
  Observation observation;
  if (needs.order()) {
    observation.search = WholeRange();
    for (const pb::QuantileSearch& search : known().searches())
      if (search.step() == step && search.column() == field.name)
        observation.search = search;
    const int64_t brackets = observation.search.brackets_size();
    plan_->narrows_ |= !IsWholeRange(observation.search);
    // Two bins per bracket are the least that narrows.
    if (brackets_ > 0 && (brackets_ + brackets) * 2 > kMaxPassBins) {
      column.left_out = true;
      plan_->passes_unclear_ = true;
      settled_ = transform.may_reject(field) ? 1 : 0;
      return;
    }
    brackets_ += brackets;
  }
  observation.step = step;
  observation.path = paths_[static_cast<size_t>(step)];
  observation.field = field;
  observation.transform = &transform;
  observation.needs = std::move(needs);
  column.observation = static_cast<int>(plan_->observations_.size());
  plan_->observations_.push_back(std::move(observation));
}

void PlanBuilder::PlaceOutputs(const Outputs& outputs, int pass, bool finite) {
  const auto slot_of = [&](const Field& field) {
    Slot slot;
    slot.field = field;
    slot.pass = pass;
    slot.finite = finite || field.type != pb::FLOAT64;
    return slot;
  };
  for (const Field& field : outputs.in_place) next_.push_back(slot_of(field));
  if (outputs.unknown_prefix.has_value())
    next_.push_back(UnknownSlot(*outputs.unknown_prefix, true, pass));
  if (!outputs.at_end.has_value()) return;
  next_at_end_.push_back(outputs.at_end_unknown
                             ? UnknownSlot(outputs.at_end->name, false, pass)
                             : slot_of(*outputs.at_end));
}

absl::Status PlanBuilder::CheckNames(const std::string& path) const {
  absl::flat_hash_set<absl::string_view> names;
  for (const Field& field : others_) names.insert(field.name);
  for (const Slot& slot : slots_)
    if (slot.known && !names.insert(slot.field.name).second)
      return Duplicate(slot.field.name, path);
  return absl::OkStatus();
}

absl::Status PlanBuilder::CheckFeatures() const {
  if (!known().params().makes_features() || undecided_) return absl::OkStatus();
  std::vector<std::string> texts;
  std::vector<std::string> times;
  std::vector<std::string> names;
  for (const Slot& slot : slots_) {
    if (!slot.known) continue;
    names.push_back(slot.field.name);
    if (slot.field.type == pb::STRING) texts.push_back(slot.field.name);
    if (IsTime(slot.field.type)) times.push_back(slot.field.name);
  }
  if (!texts.empty())
    return NotNumbers(
        texts,
        absl::StrCat("text; encode ", texts.size() > 1 ? "them" : "it",
                     " with one_hot or ordinal, or name ",
                     texts.size() > 1 ? "them" : "it", " under carry or drop",
                     times.empty()
                         ? ""
                         : absl::StrCat("; and turn ", Quoted(times),
                                        " into numbers with date_parts"),
                     AskForDelimiter(names)));
  if (!times.empty())
    return NotNumbers(times, absl::StrCat("dates or times; use date_parts, or "
                                          "name ",
                                          times.size() > 1 ? "them" : "it",
                                          " under carry or drop"));
  if (slots_.empty())
    return BadSpec("preprocessor.steps", "no feature is left for the model");
  return absl::OkStatus();
}

void PlanBuilder::Finish() {
  bool waiting = undecided_ || !plan_->observations_.empty();
  for (const Slot& slot : slots_) {
    if (slot.known && !undecided_) plan_->output_.push_back(slot.field);
    waiting = waiting || !slot.ready();
  }
  plan_->finished_ = !waiting;
  ShareLimits();
  if (!plan_->finished_) return;
  plan_->known_.set_complete(true);
  plan_->known_.clear_searches();
  plan_->known_.mutable_steps()->Assign(resolved_.begin(), resolved_.end());
}

void PlanBuilder::ShareLimits() {
  int64_t sharing = 0;
  for (const Observation& observation : plan_->observations_)
    sharing += observation.needs.order() ? 1 : 0;
  if (sharing == 0) return;
  QuantileLimits limits;
  limits.max_values = std::max<int64_t>(1, kMaxKeptValues / sharing);
  const auto bins = static_cast<uint64_t>(
      std::max<int64_t>(2, kMaxPassBins / std::max<int64_t>(1, brackets_)));
  limits.bits =
      std::min(kMaxBinBits, static_cast<int32_t>(std::bit_width(bins)) - 1);
  for (Observation& observation : plan_->observations_)
    observation.limits = limits;
}

PassesLeft Plan::passes_left(int64_t rows) const {
  if (finished_) return {};
  // Values that one pass may not be able to keep have to be narrowed.
  const bool many =
      ordered_columns_ > 0 &&
      (narrows_ || rows <= 0 || rows > kMaxKeptValues / ordered_columns_);
  return {std::max(passes_, 1), passes_unclear_ || many};
}

absl::StatusOr<std::shared_ptr<const Plan>> Plan::Make(
    pb::FittedPreprocessor known) {
  if (known.format() != 1)
    return Corrupt(absl::StrCat("its format is ", known.format(),
                                ", and this program reads 1"));
  for (const pb::QuantileSearch& search : known.searches())
    if (!ValidSearch(search)) return Corrupt("a quantile search is malformed");
  return PlanBuilder(std::move(known)).Build();
}

}  // namespace troupe::preprocessor
