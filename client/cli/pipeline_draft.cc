#include "client/cli/pipeline_draft.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/text_format.h"
#include "client/spec/spec_words.h"
#include "client/spec/spec_writer.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// So many categories become columns of their own; a text of more is dropped.
constexpr size_t kMostCategories = 40;
constexpr int kMostColumns = 20;
constexpr size_t kMostClasses = 20;       // Of words.
constexpr size_t kMostWholeClasses = 10;  // Of whole numbers.
constexpr int64_t kRowsToWatch = 200;     // For early stopping.

// Names that mean the target, the surest first.
constexpr absl::string_view kTargets[] = {"target",
                                          "label",
                                          "class",
                                          "outcome",
                                          "response",
                                          "survived",
                                          "churn",
                                          "churned",
                                          "species",
                                          "diagnosis",
                                          "quality",
                                          "medianhousevalue",
                                          "saleprice",
                                          "price",
                                          "medv",
                                          "mpg",
                                          "income",
                                          "salary",
                                          "default",
                                          "deposit",
                                          "heartdisease",
                                          "isfraud",
                                          "fraud",
                                          "attrition",
                                          "defaultpaymentnextmonth",
                                          "charges",
                                          "result",
                                          "output",
                                          "num",
                                          "y"};

std::string Plain(absl::string_view name) {
  std::string plain;
  for (const char c : name)
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)))
      plain += absl::ascii_tolower(static_cast<unsigned char>(c));
  return plain;
}

// A word as the file takes it for exactly that.
std::string Word(absl::string_view text) {
  const bool plain = !text.empty() &&
                     (absl::ascii_isalpha(text[0]) || text[0] == '_') &&
                     std::all_of(text.begin(), text.end(),
                                 [](char c) {
                                   return absl::ascii_isalnum(c) || c == '_' ||
                                          c == '.' || c == '-';
                                 }) &&
                     !absl::EqualsIgnoreCase(text, "null");
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      absl::StrAppend(&quoted, absl::StrFormat("\\x%02x", c));
    else
      quoted += c;
  }
  return quoted + "\"";
}

std::string Words(const std::vector<const ColumnProfile*>& columns) {
  return absl::StrJoin(columns, ", ",
                       [](std::string* out, const ColumnProfile* column) {
                         out->append(Word(column->name));
                       });
}

bool IsId(const ColumnProfile& column, int64_t rows) {
  if (column.missing > 0 || !column.unique || rows < 10) return false;
  const std::string plain = Plain(column.name);
  const bool named = plain.empty() || plain == "index" || plain == "rowid" ||
                     plain == "rownames" || plain == "uuid" ||
                     absl::StartsWith(plain, "unnamed") || plain == "key" ||
                     plain == "id" || absl::EndsWith(column.name, "_id") ||
                     absl::EndsWith(column.name, "Id") ||
                     absl::EndsWith(column.name, "ID");
  return (named && column.type != pb::FLOAT64) || column.counts_up;
}

// What may be learned: classes or a number.
bool CanBeTarget(const ColumnProfile& column, int64_t rows) {
  if (column.distinct() < 2 || IsId(column, rows)) return false;
  if (column.type == pb::STRING)
    return !column.many && column.distinct() <= kMostClasses &&
           column.distinct() * 2 <= static_cast<size_t>(rows);
  return column.is_number() || column.type == pb::BOOL;
}

const ColumnProfile* GuessTarget(const TableProfile& table,
                                 std::string* reason) {
  const auto named = [](const ColumnProfile& column) {
    return std::find(std::begin(kTargets), std::end(kTargets),
                     Plain(column.name)) != std::end(kTargets);
  };
  const ColumnProfile* last = nullptr;
  for (const ColumnProfile& column : table.columns)
    if (CanBeTarget(column, table.rows)) last = &column;
  *reason = "by its name";
  if (last != nullptr && last == &table.columns.back() && named(*last))
    return last;
  for (const absl::string_view name : kTargets)
    for (const ColumnProfile& column : table.columns)
      if (Plain(column.name) == name && CanBeTarget(column, table.rows))
        return &column;
  *reason = "the last column that can be one";
  return last;
}

// How the target is learned.
struct Task {
  std::string objective;
  std::string reason;
};
Task TaskFor(const ColumnProfile& target, int64_t rows) {
  const size_t distinct = target.distinct();
  const std::string classes = absl::StrCat(distinct, " different values");
  const bool labels = target.type == pb::STRING || target.type == pb::BOOL;
  if (distinct == 2 && target.type != pb::FLOAT64) return {"binary", classes};
  if (labels) return {"multiclass", classes};
  if (target.type == pb::INT64 && distinct <= kMostWholeClasses &&
      rows >= static_cast<int64_t>(20 * distinct))
    return {"multiclass", classes + "; regression where they are amounts"};
  return {"regression", "numbers"};
}

// Which columns become what.
struct Groups {
  std::vector<const ColumnProfile*> carry;
  std::vector<const ColumnProfile*> drop;
  std::vector<const ColumnProfile*> categories;
  std::vector<const ColumnProfile*> dates;
  bool times = false;  // Some of them have hours.
  bool numbers = false;
};
Groups GroupsOf(const TableProfile& table, const ColumnProfile& target) {
  Groups groups;
  for (const ColumnProfile& column : table.columns) {
    if (&column == &target) continue;
    if (column.distinct() == 0 || column.distinct() == 1) {
      groups.drop.push_back(&column);
    } else if (IsId(column, table.rows)) {
      groups.carry.push_back(&column);
    } else if (column.is_time()) {
      groups.dates.push_back(&column);
      groups.times |= column.type == pb::TIMESTAMP;
    } else if (column.type != pb::STRING) {
      groups.numbers |= column.is_number();
    } else if (column.many || column.distinct() > kMostCategories ||
               2 * column.distinct() > static_cast<size_t>(table.rows)) {
      groups.drop.push_back(&column);
    } else {
      groups.categories.push_back(&column);
    }
  }
  return groups;
}

std::string SourceText(const pb::Source& source, bool target_missing) {
  const pb::CsvOptions& csv = source.csv();
  std::string text =
      absl::StrCat("source:\n  path: ", Word(source.path()),
                   "        # beside this file, or where you stand\n");
  if (source.format() != pb::FORMAT_UNSPECIFIED)
    absl::StrAppend(&text, "  format: ",
                    EnumWord(*pb::Format_descriptor(), source.format()), "\n");
  std::vector<std::string> parts;
  const auto add = [&parts](const char* key, const std::string& value) {
    parts.push_back(absl::StrCat(key, ": ", value));
  };
  const auto truth = [](bool value) { return value ? "true" : "false"; };
  const auto quoted = [](const std::string& value) {
    return value == "\t" ? std::string("\"\\t\"")
                         : absl::StrCat("'", value == "'" ? "''" : value, "'");
  };
  const auto list = [](const auto& words) {
    return absl::StrCat("[",
                        absl::StrJoin(words, ", ",
                                      [](std::string* out, const auto& word) {
                                        out->append(Word(word));
                                      }),
                        "]");
  };
  if (!csv.delimiter().empty()) add("delimiter", quoted(csv.delimiter()));
  if (csv.has_quote()) add("quote", quoted(csv.quote()));
  if (!csv.decimal().empty()) add("decimal", quoted(csv.decimal()));
  if (csv.has_thousands()) add("thousands", quoted(csv.thousands()));
  if (csv.has_escape()) add("escape", quoted(csv.escape()));
  if (csv.has_comment()) add("comment", quoted(csv.comment()));
  if (!csv.encoding().empty()) add("encoding", Word(csv.encoding()));
  if (csv.has_header()) add("header", truth(csv.header()));
  if (csv.has_skip_rows()) add("skip_rows", absl::StrCat(csv.skip_rows()));
  if (csv.names_size() > 0) add("names", list(csv.names()));
  if (csv.has_skip_initial_space())
    add("skip_initial_space", truth(csv.skip_initial_space()));
  if (csv.na_values_size() > 0) add("na_values", list(csv.na_values()));
  if (csv.has_keep_default_na())
    add("keep_default_na", truth(csv.keep_default_na()));
  if (csv.has_quoted_na()) add("quoted_na", truth(csv.quoted_na()));
  if (csv.true_values_size() > 0) add("true_values", list(csv.true_values()));
  if (csv.false_values_size() > 0)
    add("false_values", list(csv.false_values()));
  if (!parts.empty())
    absl::StrAppend(&text, "  csv: {", absl::StrJoin(parts, ", "),
                    "}        # guess: by the first rows\n");
  if (target_missing)
    absl::StrAppend(&text,
                    "  on_bad_row: reject   # rows without a target teach "
                    "nothing\n  max_rejects: 100 %\n");
  return text;
}

std::string RolesText(const ColumnProfile& target, const std::string& why,
                      const Groups& groups) {
  std::string text = absl::StrCat("roles:\n  target: ", Word(target.name),
                                  "        # ", why, "\n");
  if (!groups.carry.empty())
    absl::StrAppend(&text, "  carry: [", Words(groups.carry),
                    "]        # guess: a different value in every row; goes to "
                    "the output as it is\n");
  if (!groups.drop.empty())
    absl::StrAppend(&text, "  drop: [", Words(groups.drop),
                    "]        # guess: one value only, or text of too many\n");
  return text;
}

std::string StepsText(const Groups& groups) {
  std::string text;
  if (!groups.dates.empty())
    absl::StrAppend(&text, "  - date_parts: {columns: [", Words(groups.dates),
                    "], parts: [year, month, weekday, days]}",
                    groups.times ? "        # and hour, of times" : "", "\n");
  if (groups.numbers)
    absl::StrAppend(
        &text,
        "  - impute: {columns: {type: number}, strategy: median, optional: "
        "true}        # trees can do without\n"
        "  - standardize: {columns: {type: number}, optional: true}        # "
        "likewise\n");
  if (!groups.categories.empty())
    absl::StrAppend(
        &text, "  - impute: {columns: [", Words(groups.categories),
        "], strategy: most_frequent}\n  - one_hot: {columns: [",
        Words(groups.categories), "], max_categories: ", kMostColumns,
        ", unknown: ignore}        # guess: words that come again are "
        "categories\n");
  if (text.empty()) return "steps: []\n";
  return absl::StrCat(
      "steps:        # in order; `troupe transform` shows what "
      "the model sees\n",
      text);
}

std::string ColumnsText(const TableProfile& table) {
  constexpr size_t kMostLines = 200;
  std::vector<std::vector<std::string>> rows = {
      {"# column", "type", "missing", "different"}};
  for (const ColumnProfile& column : table.columns) {
    if (rows.size() > kMostLines) break;
    rows.push_back({absl::StrCat("# ", Printable(column.name, 40)),
                    EnumWord(*pb::DataType_descriptor(), column.type),
                    absl::StrCat(column.missing),
                    absl::StrCat(column.distinct(), column.many ? "+" : "")});
  }
  return AlignedTable(rows);
}

}  // namespace

absl::StatusOr<std::string> DraftPipeline(const TableProfile& table,
                                          const DraftOptions& options) {
  const ColumnProfile* target = nullptr;
  std::string why = "as told";
  if (options.target.empty()) {
    std::string reason;
    target = GuessTarget(table, &reason);
    why = "guess: " + reason;
  } else {
    std::vector<std::string> names;
    for (const ColumnProfile& column : table.columns) {
      names.push_back(column.name);
      if (column.name == options.target) target = &column;
    }
    if (target == nullptr) return UnknownColumn(options.target, names);
  }
  if (target == nullptr)
    return MakeError(absl::StatusCode::kInvalidArgument, "NO_TARGET",
                     "no column of the table looks like one to predict; name "
                     "one with --target");
  const Task task = TaskFor(*target, table.rows);
  const Groups groups = GroupsOf(table, *target);
  const bool watch = table.rows >= kRowsToWatch;
  const bool classes = task.objective != "regression";
  return absl::StrCat(
      "# A pipeline for ", Printable(options.source.path()), ", by ",
      options.whole ? "all of its " : "the first of its rows, ", table.rows,
      options.whole ? " rows" : "",
      ". What is marked \"guess\" is one: read it, and change it.\n", "#   ",
      options.command, "\n",
      "# Every key is explained in proto/troupe/v1/pipeline.proto.\n#\n",
      "# As the table is read (types are guesses by these rows):\n",
      ColumnsText(table), "\nname: ", Word(options.name), "\n",
      SourceText(options.source, target->missing > 0),
      RolesText(*target, why, groups), StepsText(groups),
      "model:\n  xgboost:\n    objective: ", task.objective,
      "        # guess: the target has ", task.reason, "\n",
      watch ? "    rounds: 300\n    early_stopping: 20\n" : "    rounds: 50\n",
      "    max_depth: 4\n    learning_rate: 0.1\n",
      watch ? "split: {test: 0.2, validation: 0.1, seed: 7}\n"
            : "split: {test: 0.2, seed: 7}\n",
      classes ? "output: {probabilities: true}\n" : "");
}

std::string PipelineName(absl::string_view name) {
  constexpr size_t kLongest = 64;
  std::string plain;
  for (const char c : name.substr(0, kLongest))
    plain += absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-'
                 ? c
                 : '_';
  return plain.empty() ? "pipeline" : plain;
}

}  // namespace troupe
