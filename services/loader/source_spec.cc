#include "services/loader/source_spec.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::loader {
namespace {

pb::Format FormatByName(absl::string_view name) {
  std::string lower = absl::AsciiStrToLower(name);
  absl::string_view stem = lower;
  if (!absl::ConsumeSuffix(&stem, ".gz")) absl::ConsumeSuffix(&stem, ".zst");
  const auto ends = [&](absl::string_view end) {
    return absl::EndsWith(stem, end);
  };
  if (ends(".csv")) return pb::CSV;
  if (ends(".tsv") || ends(".tab")) return pb::TSV;
  if (ends(".jsonl") || ends(".ndjson")) return pb::JSONL;
  return pb::FORMAT_UNSPECIFIED;
}

// Sets `character` when `text` says something.
absl::Status ReadCharacter(absl::string_view field, const std::string& text,
                           char* character) {
  if (text.empty()) return absl::OkStatus();
  const bool ascii = text.size() == 1 && absl::ascii_isascii(text[0]) &&
                     text[0] != Dialect::kNoCharacter;
  if (!ascii || text[0] == '\n' || text[0] == '\r')
    return BadSpec(absl::StrCat("source.csv.", field),
                   absl::StrCat("expected one ASCII character, not \"",
                                absl::Utf8SafeCHexEscape(text), "\""));
  *character = text[0];
  return absl::OkStatus();
}

absl::Status CheckDistinct(const Dialect& dialect) {
  const std::pair<absl::string_view, char> characters[] = {
      {"delimiter", dialect.delimiter},
      {"quote", dialect.quote},
      {"decimal", dialect.decimal},
      {"comment", dialect.comment}};
  for (const auto& a : characters)
    for (const auto& b : characters)
      if (&a < &b && a.second == b.second)
        return BadSpec(absl::StrCat("source.csv.", b.first),
                       absl::StrCat("the same character as ", a.first));
  if (absl::ascii_isdigit(dialect.decimal) || dialect.decimal == '+' ||
      dialect.decimal == '-' || absl::ascii_tolower(dialect.decimal) == 'e')
    return BadSpec("source.csv.decimal", "cannot be part of a number");
  return absl::OkStatus();
}

absl::Status ReadCsvOptions(const pb::CsvOptions& csv, Dialect* dialect) {
  RETURN_IF_ERROR(
      ReadCharacter("delimiter", csv.delimiter(), &dialect->delimiter));
  RETURN_IF_ERROR(ReadCharacter("decimal", csv.decimal(), &dialect->decimal));
  RETURN_IF_ERROR(ReadCharacter("quote", csv.quote(), &dialect->quote));
  RETURN_IF_ERROR(ReadCharacter("comment", csv.comment(), &dialect->comment));
  if (csv.has_header()) dialect->header = csv.header();
  if (csv.has_quoted_na()) dialect->quoted_na = csv.quoted_na();
  if (csv.has_keep_default_na())
    dialect->keep_default_na = csv.keep_default_na();
  dialect->na_values.assign(csv.na_values().begin(), csv.na_values().end());
  return CheckDistinct(*dialect);
}

}  // namespace

absl::StatusOr<Dialect> ResolveDialect(const pb::Source& source,
                                       absl::string_view name) {
  Dialect dialect;
  dialect.format = source.format() != pb::FORMAT_UNSPECIFIED
                       ? source.format()
                       : FormatByName(name);
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
  const std::string lower = absl::AsciiStrToLower(name);
  if (absl::EndsWith(lower, ".gz")) return pb::GZIP;
  if (absl::EndsWith(lower, ".zst")) return pb::ZSTD;
  return pb::NONE;
}

}  // namespace troupe::loader
