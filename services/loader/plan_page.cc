#include "services/loader/plan_page.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/crc32c.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/file_header.h"
#include "services/loader/plan_columns.h"
#include "services/loader/source_spec.h"
#include "services/loader/split_planner.h"
#include "services/table/serialize.h"
#include "services/table/table.h"

namespace troupe::loader {

PlanPage::PlanPage(const pb::PlanRequest& request, const Dialect& dialect,
                   const LoaderOptions& options, const Context& context,
                   SourceFiles* files, pb::PlanCursor cursor)
    : request_(request),
      dialect_(dialect),
      options_(options),
      context_(context),
      files_(*files),
      begin_offset_(cursor.offset()),
      split_bytes_(request.split_bytes() > 0
                       ? request.split_bytes()
                       : SplitPlanner::kDefaultSplitBytes),
      cursor_(std::move(cursor)),
      digest_(
          ResumableSha256::Resume(cursor_.sha256(), cursor_.offset()).value()) {
}

absl::StatusOr<pb::PlanResponse> PlanPage::Run() {
  RETURN_IF_ERROR(CutSplits());
  if (exhausted_) RETURN_IF_ERROR(CheckProgress());
  if (evidence_.has_value()) evidence_->Save(&cursor_);
  if (done_) RETURN_IF_ERROR(CheckDeclared(request_, dialect_, cursor_));
  if (cursor_.columns_size() > SplitPlanner::kMaxColumns)
    return TooManyColumns(name(), 0,
                          static_cast<size_t>(cursor_.columns_size()));
  DescribeColumns(request_, cursor_, &response_);
  response_.set_planned_bytes(cursor_.text_before() + cursor_.offset());
  response_.set_total_bytes(EstimateTotal());
  response_.set_rows(cursor_.rows());
  if (cursor_.short_rows().count() > 0)
    *response_.mutable_short_rows() = cursor_.short_rows();
  response_.set_rejected_rows(cursor_.rejected_rows());
  *response_.mutable_rejected() = cursor_.rejected();
  if (inline_text()) response_.set_next_offset(cursor_.offset());
  cursor_.set_sha256(digest_.Save());
  KeepReader();
  if (!done_) {
    ASSIGN_OR_RETURN(*response_.mutable_next_cursor(), Serialize(cursor_));
  }
  return std::move(response_);
}

absl::Status PlanPage::CutSplits() {
  const int most = request_.max_splits() > 0 ? request_.max_splits()
                                             : SplitPlanner::kMaxSplitsPerPage;
  while (!done_ && response_.splits_size() < most) {
    if (context_.cancelled()) return CallerLeft();
    RETURN_IF_ERROR(OpenReader());
    RETURN_IF_ERROR(BeginFile());
    if (exhausted_) break;
    ASSIGN_OR_RETURN(const bool more, CutSplit());
    if (exhausted_) break;
    if (!more) RETURN_IF_ERROR(EndFile());
    if (request_.max_rows() > 0 && cursor_.rows() >= request_.max_rows())
      done_ = true;
  }
  return absl::OkStatus();
}

const std::string& PlanPage::name() const {
  if (inline_text()) return request_.inline_text().name();
  return cursor_.files(cursor_.file()).path();
}

pb::Compression PlanPage::compression() const {
  return inline_text() ? pb::NONE
                       : ResolveCompression(request_.source(), name());
}

absl::Status PlanPage::OpenReader() {
  if (reader_ != nullptr) return absl::OkStatus();
  if (inline_text()) {
    const pb::InlineText& text = request_.inline_text();
    reader_ = std::make_unique<TextReader>(
        MakeMemoryStream(text.text()), text.name(), text.offset(),
        std::numeric_limits<int64_t>::max(), text.last());
  } else {
    ASSIGN_OR_RETURN(reader_,
                     files_.Open(cursor_.files(cursor_.file()), compression(),
                                 cursor_.offset(), context_));
  }
  if (cursor_.encoding() != pb::TEXT_ENCODING_UNSPECIFIED)
    reader_->SetEncoding(cursor_.encoding());
  reader_->ShowDiscarded(
      [this](absl::string_view text) { digest_.Update(text); });
  return absl::OkStatus();
}

// What comes before the first row of a file.
absl::Status PlanPage::BeginFile() {
  if (cursor_.header_read()) return absl::OkStatus();
  if (cursor_.encoding() == pb::TEXT_ENCODING_UNSPECIFIED) {
    ASSIGN_OR_RETURN(const pb::TextEncoding encoding,
                     BeginText(dialect_, reader_.get()));
    cursor_.set_encoding(encoding);
  }
  int64_t line = cursor_.line();
  int64_t skipped = cursor_.skipped_lines();
  ASSIGN_OR_RETURN(const bool all_skipped,
                   SkipLines(dialect_, options_.max_record_bytes, &skipped,
                             &line, reader_.get()));
  cursor_.set_skipped_lines(skipped);
  std::optional<FileHeader> header;
  if (all_skipped) {
    ASSIGN_OR_RETURN(header, ReadFileHeader(dialect_,
                                            {split_bytes_, /*records=*/1,
                                             options_.max_record_bytes},
                                            &line, reader_.get()));
  }
  cursor_.set_line(line);
  cursor_.set_offset(reader_->position());
  exhausted_ = !header.has_value();
  if (exhausted_) return absl::OkStatus();
  cursor_.set_header_read(true);
  return TakeColumns(request_, dialect_, std::move(header->names), header->line,
                     &cursor_);
}

// Returns false when the file has no more records.
absl::StatusOr<bool> PlanPage::CutSplit() {
  // UTF-16 takes up to two bytes for each of the text's.
  const bool wide =
      cursor_.encoding() == pb::UTF_16LE || cursor_.encoding() == pb::UTF_16BE;
  CutLimits limits = {
      wide ? std::max<int64_t>(1, split_bytes_ / 2) : split_bytes_,
      SplitPlanner::kMaxSplitRows, options_.max_record_bytes, options_.simd};
  if (request_.max_rows() > 0)
    limits.records =
        std::min(limits.records, request_.max_rows() - cursor_.rows());
  int64_t line = cursor_.line();
  ASSIGN_OR_RETURN(const Cut cut,
                   CutRecords(dialect_, limits, &line, reader_.get()));
  const bool end_known = cut.full || reader_->last();
  cursor_.set_line(line);
  cursor_.set_offset(reader_->position());
  // A run that more inline text could make longer waits for it, unless nothing
  // would be planned otherwise.
  if (!end_known && (cut.rows == 0 || response_.splits_size() > 0)) {
    exhausted_ = true;
    return true;
  }
  if (cut.rows == 0) return false;
  RETURN_IF_ERROR(AddSplit(cut));
  return true;
}

absl::Status PlanPage::AddSplit(const Cut& cut) {
  const absl::string_view text =
      reader_->window().substr(cut.begin, cut.end - cut.begin);
  pb::Split& split = *response_.add_splits();
  split.set_number(cursor_.splits());
  const absl::string_view bytes = reader_->BytesOf(cut.begin, cut.end);
  split.set_offset(reader_->position() +
                   static_cast<int64_t>(reader_->BytesOf(0, cut.begin).size()));
  split.set_bytes(static_cast<int64_t>(bytes.size()));
  split.set_encoding(cursor_.encoding());
  split.set_first_row(cursor_.rows());
  split.set_rows(cut.rows);
  split.set_crc32c(Crc32c(bytes));
  split.set_first_line(cut.first_line);
  if (!inline_text()) {
    split.set_file(name());
    *split.mutable_identity() = cursor_.files(cursor_.file());
  }
  if (infer()) {
    if (!evidence_.has_value())
      evidence_.emplace(dialect_, cursor_, options_.simd);
    RETURN_IF_ERROR(evidence_->Observe(split, text, name(), context_));
  }
  reader_->Discard(cut.end);
  cursor_.set_line(cut.next_line);
  cursor_.set_offset(reader_->position());
  cursor_.set_rows(cursor_.rows() + cut.rows);
  cursor_.set_splits(cursor_.splits() + 1);
  return absl::OkStatus();
}

// The reader has nothing left but what belongs to no record.
void PlanPage::AddDigest() {
  reader_->Discard(reader_->window().size());
  cursor_.set_offset(reader_->position());
  pb::FileDigest& digest = *response_.add_digests();
  if (!inline_text()) digest.set_path(name());
  digest.set_bytes(digest_.bytes());
  digest.set_sha256(digest_.HexDigest());
}

absl::Status PlanPage::EndFile() {
  AddDigest();
  if (inline_text() || cursor_.file() + 1 >= cursor_.files_size()) {
    done_ = true;
    return absl::OkStatus();
  }
  reader_ = nullptr;
  digest_ = ResumableSha256();
  cursor_.set_text_before(cursor_.text_before() + cursor_.offset());
  cursor_.set_file(cursor_.file() + 1);
  cursor_.set_offset(0);
  cursor_.set_line(1);
  cursor_.set_header_read(false);
  cursor_.clear_encoding();
  cursor_.clear_skipped_lines();
  return absl::OkStatus();
}

// The caller of inline text would otherwise ask for the same page for ever.
absl::Status PlanPage::CheckProgress() const {
  if (response_.splits_size() > 0 || cursor_.offset() > begin_offset_)
    return absl::OkStatus();
  return BadInput(
      name(), cursor_.line(), 0,
      absl::StrCat("the record that begins here does not end within the ",
                   request_.inline_text().text().size(), " bytes given"));
}

void PlanPage::KeepReader() {
  if (reader_ == nullptr || inline_text() || done_) return;
  reader_->ShowDiscarded(nullptr);
  files_.GiveBack(cursor_.files(cursor_.file()), compression(),
                  std::move(reader_));
}

int64_t PlanPage::EstimateTotal() const {
  const int64_t planned = cursor_.text_before() + cursor_.offset();
  if (done_ && request_.max_rows() == 0) return planned;
  if (inline_text())
    return request_.inline_text().last()
               ? request_.inline_text().offset() +
                     static_cast<int64_t>(request_.inline_text().text().size())
               : 0;
  int64_t disk = 0;
  int64_t used = reader_ == nullptr ? 0 : reader_->consumed();
  bool plain = true;
  for (int i = 0; i < cursor_.files_size(); ++i) {
    disk += cursor_.files(i).bytes();
    if (i < cursor_.file()) used += cursor_.files(i).bytes();
    plain &= ResolveCompression(request_.source(), cursor_.files(i).path()) ==
             pb::NONE;
  }
  if (plain) return disk;
  // As if the rest shrank like what was read.
  if (used == 0) return 0;
  const double growth =
      static_cast<double>(planned) / static_cast<double>(used);
  return std::max(planned,
                  static_cast<int64_t>(growth * static_cast<double>(disk)));
}

}  // namespace troupe::loader
