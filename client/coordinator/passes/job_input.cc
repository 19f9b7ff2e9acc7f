#include "client/coordinator/passes/job_input.h"

#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

// The contract's bound for one InlineText.
constexpr int64_t kMaxInlineBytes = int64_t{8} << 20;

}  // namespace

JobInput::JobInput(pb::Source source, StoredUpload upload)
    : source_(std::move(source)), upload_(std::move(upload)) {
  source_.set_path(std::string(WithoutCompression(upload_->name)));
  source_.set_compression(pb::NONE);
}

const std::string& JobInput::name() const {
  return upload_.has_value() ? upload_->name : source_.path();
}

absl::StatusOr<pb::InlineText> JobInput::Text(int64_t offset,
                                              int64_t bytes) const {
  pb::InlineText text;
  ASSIGN_OR_RETURN(*text.mutable_text(),
                   ReadFileRange(upload_->path, offset, bytes));
  text.set_offset(offset);
  text.set_last(offset + static_cast<int64_t>(text.text().size()) >=
                upload_->bytes);
  text.set_name(upload_->name);
  return text;
}

absl::StatusOr<pb::PlanRequest> JobInput::Plan(const std::string& cursor,
                                               int64_t offset) const {
  pb::PlanRequest request;
  *request.mutable_source() = source_;
  request.set_cursor(cursor);
  if (upload_.has_value()) {
    ASSIGN_OR_RETURN(*request.mutable_inline_text(),
                     Text(offset, kMaxInlineBytes));
  }
  return request;
}

absl::StatusOr<pb::LoadRequest> JobInput::Load(const pb::Split& split) const {
  pb::LoadRequest request;
  *request.mutable_source() = source_;
  *request.mutable_split() = split;
  if (upload_.has_value()) {
    ASSIGN_OR_RETURN(*request.mutable_inline_text(),
                     Text(split.offset(), split.bytes()));
  }
  return request;
}

absl::StatusOr<pb::ReadRecordsRequest> JobInput::ReadRecords(
    const pb::Split& split, const std::vector<int64_t>& rows) const {
  pb::ReadRecordsRequest request;
  *request.mutable_source() = source_;
  *request.mutable_split() = split;
  request.mutable_rows()->Add(rows.begin(), rows.end());
  if (upload_.has_value()) {
    ASSIGN_OR_RETURN(*request.mutable_inline_text(),
                     Text(split.offset(), split.bytes()));
  }
  return request;
}

std::string JobInput::Affinity(const std::string& job,
                               const std::string& file) const {
  if (upload_.has_value()) return "";
  const bool compressed =
      source_.compression() == pb::GZIP || source_.compression() == pb::ZSTD ||
      (source_.compression() == pb::COMPRESSION_UNSPECIFIED &&
       (CompressionOf(source_.path()) != pb::NONE ||
        CompressionOf(file) != pb::NONE));
  return compressed ? job : "";
}

}  // namespace troupe
