#include "services/loader/split_text.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "services/base/crc32c.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/encoding.h"
#include "services/loader/source_spec.h"
#include "services/loader/split_planner.h"
#include "services/table/table.h"

namespace troupe::loader {
namespace {

bool IsSane(const pb::Split& split) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max() / 2;
  return split.offset() >= 0 && split.offset() < kMax && split.bytes() > 0 &&
         split.bytes() <= SplitPlanner::kMaxSplitBytes && split.rows() > 0 &&
         split.rows() <= std::min(split.bytes(), SplitPlanner::kMaxSplitRows) &&
         split.first_row() >= 0 && split.first_row() < kMax &&
         split.first_line() >= 0 && split.first_line() < kMax;
}

absl::StatusOr<std::string> ReadSplit(const pb::Source& source,
                                      const pb::Split& split,
                                      const Context& context,
                                      SourceFiles* files) {
  const pb::Compression compression = ResolveCompression(source, split.file());
  pb::FileIdentity identity = split.identity();
  identity.set_path(split.file());
  ASSIGN_OR_RETURN(std::unique_ptr<TextReader> reader,
                   files->Open(identity, compression, split.offset(), context));
  const auto bytes = static_cast<size_t>(split.bytes());
  ASSIGN_OR_RETURN(std::string text, reader->Take(bytes));
  if (text.size() < bytes) return InputChanged(split.file());
  files->GiveBack(identity, compression, std::move(reader));
  return text;
}

std::string Decoded(const pb::Split& split, std::string bytes) {
  if (split.encoding() == pb::TEXT_ENCODING_UNSPECIFIED ||
      split.encoding() == pb::UTF_8)
    return bytes;
  std::string text;
  Decode(split.encoding(), bytes, /*last=*/true, &text);
  return text;
}

absl::Status VerifyInline(const pb::Split& split, const pb::InlineText& given) {
  if (static_cast<int64_t>(given.text().size()) != split.bytes() ||
      Crc32c(given.text()) != split.crc32c())
    return InputChanged(given.name());
  return absl::OkStatus();
}

}  // namespace

const std::string& NameOf(const pb::Split& split,
                          const pb::InlineText& inline_text) {
  return split.file().empty() ? inline_text.name() : split.file();
}

absl::StatusOr<std::string> FetchSplit(const pb::Source& source,
                                       const pb::Split& split,
                                       const pb::InlineText* inline_text,
                                       const Context& context,
                                       SourceFiles* files) {
  if (!IsSane(split)) return BadMessage("the split is not one of a plan");
  if (inline_text == nullptr) {
    ASSIGN_OR_RETURN(std::string text,
                     ReadSplit(source, split, context, files));
    if (Crc32c(text) != split.crc32c()) return InputChanged(split.file());
    return Decoded(split, std::move(text));
  }
  RETURN_IF_ERROR(VerifyInline(split, *inline_text));
  return Decoded(split, inline_text->text());
}

absl::Status VerifySplit(const pb::Split& split,
                         const pb::InlineText* inline_text,
                         const SourceFiles& files) {
  if (inline_text != nullptr) return VerifyInline(split, *inline_text);
  pb::FileIdentity identity = split.identity();
  identity.set_path(split.file());
  return files.Verify(identity);
}

}  // namespace troupe::loader
