#include "client/cli/input_guess.h"

#include "client/cli/dialect_guess.h"
#include "client/cli/file_chunks.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

// The beginning of a local file that is read as it is. Nothing for others.
absl::StatusOr<std::string> BeginningOf(const InputChoice& choice) {
  // A pipe could not be read again.
  if (choice.remote || choice.path == kStandardInput) return "";
  ASSIGN_OR_RETURN(const std::optional<std::string> file,
                   FindLocalFile(choice.path, choice.directories));
  if (!file.has_value()) return "";
  ASSIGN_OR_RETURN(const auto chunks,
                   FileChunks::Open(*file, pb::COMPRESSION_UNSPECIFIED));
  if (chunks->bytes_total() == 0) return "";
  return chunks->Next();
}

}  // namespace

absl::StatusOr<std::optional<pb::Source>> GuessInput(const InputChoice& input,
                                                     const pb::Source& source) {
  const pb::Format named = FormatOf(input.path);
  const bool jsonl = named == pb::JSONL || source.format() == pb::JSONL;
  if (jsonl || !source.csv().delimiter().empty() || source.csv().has_quote())
    return std::nullopt;
  const bool csv = named == pb::CSV || source.format() == pb::CSV;
  const bool tsv = named == pb::TSV || source.format() == pb::TSV;
  ASSIGN_OR_RETURN(const std::string beginning, BeginningOf(input));
  constexpr size_t kGuessBytes = 64 << 10;
  std::optional<pb::Source> guess =
      GuessSource(absl::string_view(beginning).substr(0, kGuessBytes),
                  beginning.size() <= kGuessBytes);
  if (!guess.has_value() || ((csv || tsv) && guess->format() != pb::CSV))
    return std::nullopt;
  const bool expected = guess->csv().delimiter() == (tsv ? "\t" : ",") &&
                        guess->csv().quote() == "\"";
  if ((csv || tsv) && expected) return std::nullopt;
  if (guess->format() != pb::CSV) guess->clear_csv();
  return guess;
}

}  // namespace troupe
