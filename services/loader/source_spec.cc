#include "services/loader/source_spec.h"

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/encoding.h"
#include "services/loader/split_planner.h"
#include "services/loader/text_place.h"
#include "services/table/file_names.h"

namespace troupe::loader {
namespace {

constexpr int32_t kMaxSkipRows = 1'000'000;

struct Role {
  absl::string_view field;
  char character;
};

absl::Status Senseless(absl::string_view field, absl::string_view why) {
  return BadSpec(absl::StrCat("source.csv.", field), why);
}

// Sets `character` when `text` says something.
absl::Status ReadCharacter(absl::string_view field, const std::string& text,
                           char* character) {
  if (text.empty()) return absl::OkStatus();
  const bool ascii = text.size() == 1 && absl::ascii_isascii(text[0]) &&
                     text[0] != Dialect::kNoCharacter;
  if (!ascii || text[0] == '\n' || text[0] == '\r')
    return Senseless(field, absl::StrCat("expected one ASCII character, not \"",
                                         absl::Utf8SafeCHexEscape(text), "\""));
  *character = text[0];
  return absl::OkStatus();
}

bool IsSign(char c) { return c == '+' || c == '-'; }

// Punctuation that no number has but as its decimal point.
bool IsMark(char c) { return absl::ascii_ispunct(c) && !IsSign(c); }

// A character that would also be read as what it stands for nowhere: part of a
// word or a number, or a blank where blanks are passed over.
absl::Status CheckSense(const Dialect& dialect) {
  for (const Role& role :
       {Role{"quote", dialect.quote}, Role{"comment", dialect.comment},
        Role{"escape", dialect.escape}, Role{"decimal", dialect.decimal}})
    if (role.character != Dialect::kNoCharacter && !IsMark(role.character))
      return Senseless(role.field, "must be punctuation, and no sign");
  if (absl::ascii_isalnum(dialect.delimiter))
    return Senseless("delimiter", "cannot be a letter or a digit");
  if (dialect.thousands != Dialect::kNoCharacter && dialect.thousands != ' ' &&
      !IsMark(dialect.thousands))
    return Senseless("thousands",
                     "must be punctuation or a space, and no sign");
  return absl::OkStatus();
}

// `thousands` may be the delimiter: numbers are quoted then.
absl::Status CheckDistinct(const Dialect& dialect) {
  const Role roles[] = {
      {"delimiter", dialect.delimiter}, {"quote", dialect.quote},
      {"decimal", dialect.decimal},     {"comment", dialect.comment},
      {"escape", dialect.escape},       {"thousands", dialect.thousands}};
  for (const Role& a : roles)
    for (const Role& b : roles) {
      const bool grouped = a.field == "delimiter" && b.field == "thousands" &&
                           dialect.quote != Dialect::kNoCharacter;
      if (&a < &b && a.character == b.character &&
          a.character != Dialect::kNoCharacter && !grouped)
        return Senseless(b.field,
                         absl::StrCat("the same character as ", a.field));
    }
  return absl::OkStatus();
}

absl::Status CheckWords(const Dialect& dialect) {
  absl::flat_hash_set<absl::string_view> names;
  for (const std::string& name : dialect.names)
    if (!names.insert(name).second)
      return Senseless("names", absl::StrCat("names ", Quoted(name), " twice"));
  if (names.size() > SplitPlanner::kMaxColumns)
    return Senseless("names",
                     absl::StrCat("at most ", SplitPlanner::kMaxColumns,
                                  " columns can be read"));
  for (const std::string& name : dialect.names)
    if (const auto bad = FindBadByte(name); bad.has_value())
      return Senseless("names", bad->Sentence());
  const absl::flat_hash_set<absl::string_view> trues(
      dialect.true_values.begin(), dialect.true_values.end());
  for (const std::string& word : dialect.false_values)
    if (trues.contains(word))
      return Senseless("false_values",
                       absl::StrCat(Quoted(word), " is in true_values, too"));
  return absl::OkStatus();
}

absl::Status ReadCsvOptions(const pb::CsvOptions& csv, Dialect* dialect) {
  if (!csv.encoding().empty()) {
    const std::optional<pb::TextEncoding> encoding =
        EncodingByName(csv.encoding());
    if (!encoding.has_value())
      return Senseless("encoding",
                       absl::StrCat("no encoding ", Quoted(csv.encoding()),
                                    "; one of utf-8, latin-1, windows-1252, "
                                    "utf-16, utf-16-le, utf-16-be"));
    dialect->encoding = *encoding;
  }
  RETURN_IF_ERROR(
      ReadCharacter("delimiter", csv.delimiter(), &dialect->delimiter));
  RETURN_IF_ERROR(ReadCharacter("decimal", csv.decimal(), &dialect->decimal));
  if (csv.has_quote()) dialect->quote = Dialect::kNoCharacter;
  RETURN_IF_ERROR(ReadCharacter("quote", csv.quote(), &dialect->quote));
  RETURN_IF_ERROR(ReadCharacter("comment", csv.comment(), &dialect->comment));
  RETURN_IF_ERROR(ReadCharacter("escape", csv.escape(), &dialect->escape));
  RETURN_IF_ERROR(
      ReadCharacter("thousands", csv.thousands(), &dialect->thousands));
  dialect->skip_initial_space = csv.skip_initial_space();
  dialect->names.assign(csv.names().begin(), csv.names().end());
  dialect->header = csv.has_header() ? csv.header() : dialect->names.empty();
  if (csv.skip_rows() < 0 || csv.skip_rows() > kMaxSkipRows)
    return Senseless("skip_rows",
                     absl::StrCat("must be from 0 to ", kMaxSkipRows));
  dialect->skip_rows = csv.skip_rows();
  if (csv.on_short_row() != pb::CsvOptions::SHORT_ROWS_UNSPECIFIED)
    dialect->on_short_row = csv.on_short_row();
  if (csv.has_quoted_na()) dialect->quoted_na = csv.quoted_na();
  if (csv.has_keep_default_na())
    dialect->keep_default_na = csv.keep_default_na();
  dialect->na_values.assign(csv.na_values().begin(), csv.na_values().end());
  dialect->true_values.assign(csv.true_values().begin(),
                              csv.true_values().end());
  dialect->false_values.assign(csv.false_values().begin(),
                               csv.false_values().end());
  RETURN_IF_ERROR(CheckDistinct(*dialect));
  RETURN_IF_ERROR(CheckSense(*dialect));
  return CheckWords(*dialect);
}

}  // namespace

absl::StatusOr<Dialect> ResolveDialect(const pb::Source& source,
                                       absl::string_view name) {
  Dialect dialect;
  dialect.format = source.format() != pb::FORMAT_UNSPECIFIED ? source.format()
                                                             : FormatOf(name);
  switch (dialect.format) {
    case pb::JSONL:
      dialect.quote = Dialect::kNoCharacter;
      dialect.delimiter = Dialect::kNoCharacter;
      dialect.header = false;
      return dialect;
    case pb::TSV:
      dialect.delimiter = '\t';
      break;
    case pb::CSV:
      break;
    default:
      return BadSpec("source.format",
                     absl::StrCat("the ending of \"", name,
                                  "\" does not tell the format; say csv, tsv "
                                  "or jsonl"));
  }
  RETURN_IF_ERROR(ReadCsvOptions(source.csv(), &dialect));
  return dialect;
}

pb::Compression ResolveCompression(const pb::Source& source,
                                   absl::string_view name) {
  if (source.compression() != pb::COMPRESSION_UNSPECIFIED)
    return source.compression();
  return CompressionOf(name);
}

absl::StatusOr<std::optional<TimeFormat>> TimeFormatOf(
    const pb::Source& source, const std::string& column) {
  const auto found = source.time_formats().find(column);
  if (found == source.time_formats().end()) return std::nullopt;
  absl::StatusOr<TimeFormat> format = TimeFormat::Make(found->second);
  if (!format.ok())
    return BadSpec(absl::StrCat("source.types.", column),
                   absl::StrCat("the format ", format.status().message()));
  return *std::move(format);
}

}  // namespace troupe::loader
