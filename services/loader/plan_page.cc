#include "services/loader/plan_page.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/base/crc32c.h"
#include "services/loader/file_header.h"
#include "services/loader/source_spec.h"
#include "services/loader/split_planner.h"
#include "services/loader/text_place.h"

namespace troupe::loader {
namespace {

bool MayBeAbsent(const pb::Field& field) {
  return field.role() == pb::TARGET || field.role() == pb::WEIGHT;
}

}  // namespace

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
      cursor_(std::move(cursor)) {}

absl::StatusOr<pb::PlanResponse> PlanPage::Run() {
  while (!done_ && !exhausted_ &&
         response_.splits_size() < SplitPlanner::kMaxSplitsPerPage) {
    if (context_.cancelled()) return CallerLeft();
    RETURN_IF_ERROR(OpenReader());
    RETURN_IF_ERROR(BeginFile());
    if (exhausted_) break;
    ASSIGN_OR_RETURN(const bool more, CutSplit());
    if (!more) RETURN_IF_ERROR(EndFile());
    if (request_.max_rows() > 0 && cursor_.rows() >= request_.max_rows())
      done_ = true;
  }
  if (exhausted_) RETURN_IF_ERROR(CheckProgress());
  if (done_) RETURN_IF_ERROR(CheckDeclared());
  if (evidence_.has_value()) evidence_->Save(&cursor_);
  if (cursor_.columns_size() > SplitPlanner::kMaxColumns)
    return TooManyColumns(name(), 0,
                          static_cast<size_t>(cursor_.columns_size()));
  DescribeColumns();
  response_.set_planned_bytes(cursor_.text_before() + cursor_.offset());
  response_.set_total_bytes(EstimateTotal());
  response_.set_rows(cursor_.rows());
  if (inline_text()) response_.set_next_offset(cursor_.offset());
  KeepReader();
  if (!done_) cursor_.SerializeToString(response_.mutable_next_cursor());
  return std::move(response_);
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
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(reader_,
                   files_.Open(cursor_.files(cursor_.file()), compression(),
                               cursor_.offset(), context_));
  return absl::OkStatus();
}

// What comes before the first row of a file.
absl::Status PlanPage::BeginFile() {
  if (cursor_.header_read()) return absl::OkStatus();
  int64_t line = cursor_.line();
  ASSIGN_OR_RETURN(
      std::optional<FileHeader> header,
      ReadFileHeader(dialect_,
                     {split_bytes_, /*records=*/1, options_.max_record_bytes},
                     &line, reader_.get()));
  cursor_.set_line(line);
  cursor_.set_offset(reader_->position());
  exhausted_ = !header.has_value();
  if (exhausted_) return absl::OkStatus();
  cursor_.set_header_read(true);
  return TakeColumns(std::move(header->names), header->line);
}

// Keeps the first file's columns; later files must have the same. JSON Lines
// has no header: its columns are pinned, or come with the records.
absl::Status PlanPage::TakeColumns(std::vector<std::string> names,
                                   int64_t line) {
  const bool jsonl = dialect_.format == pb::JSONL;
  if (cursor_.columns_size() > 0)
    return jsonl || !dialect_.header ? absl::OkStatus()
                                     : CheckSameColumns(names, line);
  if (jsonl)
    for (const pb::Field& field : request_.pinned().fields())
      names.push_back(field.name());
  for (std::string& name : names) {
    cursor_.add_columns(std::move(name));
    cursor_.add_evidence(0);
    cursor_.add_present(0);
  }
  if (jsonl) return absl::OkStatus();
  RETURN_IF_ERROR(CheckPinned());
  return CheckDeclared();
}

absl::Status PlanPage::CheckSameColumns(const std::vector<std::string>& names,
                                        int64_t line) const {
  const std::string& first = cursor_.files(0).path();
  const auto known = static_cast<size_t>(cursor_.columns_size());
  for (size_t i = 0; i < std::min(known, names.size()); ++i) {
    const std::string& expected = cursor_.columns(static_cast<int>(i));
    if (names[i] != expected)
      return BadInput(
          name(), line, 0,
          absl::StrCat("column ", i + 1, " is ", Quoted(names[i]), ", but ",
                       Quoted(expected), " in \"", first, "\""));
  }
  if (known == names.size()) return absl::OkStatus();
  return BadInput(name(), line, 0,
                  absl::StrCat(names.size(), " columns, but ", known, " in \"",
                               first, "\""));
}

absl::Status PlanPage::CheckPinned() const {
  const std::vector<std::string> columns(cursor_.columns().begin(),
                                         cursor_.columns().end());
  for (const pb::Field& field : request_.pinned().fields())
    if (!MayBeAbsent(field) && std::find(columns.begin(), columns.end(),
                                         field.name()) == columns.end())
      return WithPrefix(UnknownColumn(field.name(), columns), name());
  return absl::OkStatus();
}

// Declared types must name columns. JSON Lines: known at the end only.
absl::Status PlanPage::CheckDeclared() const {
  const bool sample = dialect_.format == pb::JSONL && request_.max_rows() > 0;
  if (!infer() || sample) return absl::OkStatus();
  pb::PlanCursor now = cursor_;
  if (evidence_.has_value()) evidence_->Save(&now);
  const std::vector<std::string> columns(now.columns().begin(),
                                         now.columns().end());
  for (const auto& [name, type] : request_.source().types())
    if (std::find(columns.begin(), columns.end(), name) == columns.end())
      return WithPrefix(UnknownColumn(name, columns), "source.types");
  return absl::OkStatus();
}

// Returns false when the file has no more records.
absl::StatusOr<bool> PlanPage::CutSplit() {
  CutLimits limits = {split_bytes_, std::numeric_limits<int64_t>::max(),
                      options_.max_record_bytes};
  if (request_.max_rows() > 0)
    limits.records = request_.max_rows() - cursor_.rows();
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
  split.set_offset(reader_->position() + static_cast<int64_t>(cut.begin));
  split.set_bytes(static_cast<int64_t>(text.size()));
  split.set_first_row(cursor_.rows());
  split.set_rows(cut.rows);
  split.set_crc32c(Crc32c(text));
  split.set_first_line(cut.first_line);
  if (!inline_text()) {
    split.set_file(name());
    *split.mutable_identity() = cursor_.files(cursor_.file());
  }
  if (infer()) {
    if (!evidence_.has_value()) evidence_.emplace(dialect_, cursor_);
    evidence_->Observe(text);
  }
  reader_->Discard(cut.end);
  cursor_.set_line(cut.next_line);
  cursor_.set_offset(reader_->position());
  cursor_.set_rows(cursor_.rows() + cut.rows);
  cursor_.set_splits(cursor_.splits() + 1);
  return absl::OkStatus();
}

absl::Status PlanPage::EndFile() {
  if (inline_text() || cursor_.file() + 1 >= cursor_.files_size()) {
    done_ = true;
    return absl::OkStatus();
  }
  reader_ = nullptr;
  cursor_.set_text_before(cursor_.text_before() + cursor_.offset());
  cursor_.set_file(cursor_.file() + 1);
  cursor_.set_offset(0);
  cursor_.set_line(1);
  cursor_.set_header_read(false);
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

void PlanPage::DescribeColumns() {
  for (int i = 0; i < cursor_.columns_size(); ++i) {
    const std::string& name = cursor_.columns(i);
    pb::Field& field = *response_.mutable_schema()->add_fields();
    field.set_name(name);
    const auto declared = request_.source().types().find(name);
    if (!infer()) {
      field.set_type(pb::STRING);
    } else if (declared != request_.source().types().end()) {
      field.set_type(declared->second);
    } else {
      field.set_type(cursor_.rows() == 0
                         ? pb::STRING
                         : TypeEvidence::FromBits(cursor_.evidence(i)).Type());
    }
    if (infer()) response_.add_missing(ColumnEvidence::Missing(cursor_, i));
  }
  for (const pb::Field& pinned : request_.pinned().fields())
    for (pb::Field& field : *response_.mutable_schema()->mutable_fields())
      if (field.name() == pinned.name()) field.set_type(pinned.type());
}

}  // namespace troupe::loader
