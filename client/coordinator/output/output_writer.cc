#include "client/coordinator/output/output_writer.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/coordinator/state/storage.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/number_text.h"
#include "services/table/table_text.h"

namespace troupe {
namespace {

constexpr char kRejects[] = "rejects.jsonl";
constexpr size_t kRejectsAtOnce = 1 << 20;  // Bytes of text.

absl::string_view Ending(pb::Format format) {
  switch (format) {
    case pb::JSONL:
      return "jsonl";
    case pb::TSV:
      return "tsv";
    default:
      return "csv";
  }
}

std::string ParentOf(const std::string& directory) {
  return std::filesystem::path(directory).parent_path().string();
}

PartFile::Range RejectsRange(const pb::JournalBatch& batch) {
  return {batch.rejects_end(), batch.rejects_crc32c(), batch.rows_rejected(),
          batch.rejects_digest()};
}

PartFile::Range PartRange(const pb::JournalBatch& batch) {
  return {batch.part_end(), batch.part_crc32c(),
          batch.rows_read() - batch.rows_rejected(), batch.part_digest()};
}

// By renameat, as nothing else of ours: so the fault tests tell the renames
// that publish from all others.
absl::Status Move(const std::string& from, const std::string& to) {
  return renameat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str()) == 0
             ? absl::OkStatus()
             : StorageError(errno, "rename to", to);
}

}  // namespace

OutputWriter::OutputWriter(const OutputOptions& options)
    : options_(options), temporary_(options_.directory + ".tmp") {}

absl::StatusOr<OutputWriter::Opened> OutputWriter::Open(
    const OutputOptions& options,
    const std::vector<pb::JournalBatch>& committed) {
  std::vector<pb::JournalBatch> trusted = committed;
  while (true) {
    Opened opened;
    opened.writer.reset(new OutputWriter(options));
    if (trusted.empty()) {
      RETURN_IF_ERROR(opened.writer->MakeEmpty());
      return opened;
    }
    ASSIGN_OR_RETURN(opened.good, opened.writer->Reopen(trusted));
    if (opened.good == trusted.size()) return opened;
    // Something was damaged: again, with what is in front of it.
    trusted.resize(opened.good);
  }
}

absl::Status OutputWriter::MakeEmpty() {
  std::error_code error;
  std::filesystem::remove_all(temporary_, error);
  return MakeDirectory(temporary_, DirectoryMode(options_.mode));
}

// Opens the files of the committed batches. Returns how many are good.
absl::StatusOr<size_t> OutputWriter::Reopen(
    const std::vector<pb::JournalBatch>& committed) {
  if (!std::filesystem::is_directory(temporary_)) return 0;
  size_t good = 0;
  while (good < committed.size()) {
    ASSIGN_OR_RETURN(const size_t more, ReopenPart(committed, good));
    if (more == 0) break;
    good += more;
  }
  std::vector<PartFile::Range> ranges;
  for (const pb::JournalBatch& batch : committed)
    ranges.push_back(RejectsRange(batch));
  if (ranges.back().end > 0) {
    ASSIGN_OR_RETURN(PartFile::Reopened reopened,
                     PartFile::Reopen(temporary_, kRejects, options_.mode,
                                      ranges, options_.may_go_on));
    rejects_ = std::move(reopened.file);
    good = std::min(good, reopened.good);
  }
  if (good < committed.size()) return good;
  header_begun_ = !parts_.empty() || part_ != nullptr;
  batch_.set_part_begin(part_ == nullptr ? 0 : part_->bytes());
  batch_.set_rejects_begin(rejects_ == nullptr ? 0 : rejects_->bytes());
  RETURN_IF_ERROR(RemoveOthers());
  return good;
}

// Opens the part of batch number `first`, with all that follow in it. Returns
// how many of them are good; a part that is complete is closed.
absl::StatusOr<size_t> OutputWriter::ReopenPart(
    const std::vector<pb::JournalBatch>& committed, size_t first) {
  const int64_t number = committed[first].part();
  if (number != static_cast<int64_t>(parts_.size()) + (part_ ? 1 : 0)) return 0;
  if (part_ != nullptr) RETURN_IF_ERROR(ClosePart());
  std::vector<PartFile::Range> ranges;
  for (size_t i = first; i < committed.size(); ++i) {
    if (committed[i].part() != number) break;
    ranges.push_back(PartRange(committed[i]));
  }
  if (ranges.back().end == 0) return ranges.size();  // Nothing but rejects.
  ASSIGN_OR_RETURN(PartFile::Reopened reopened,
                   PartFile::Reopen(temporary_, PartName(), options_.mode,
                                    ranges, options_.may_go_on));
  part_ = std::move(reopened.file);
  const bool whole = reopened.good == ranges.size();
  if (whole && part_->bytes() >= options_.max_part_bytes)
    RETURN_IF_ERROR(ClosePart());
  return reopened.good;
}

// Whatever else lies there was written and not committed.
absl::Status OutputWriter::RemoveOthers() {
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(temporary_, error)) {
    const std::string name = entry.path().filename().string();
    bool ours = (rejects_ != nullptr && name == kRejects) ||
                (part_ != nullptr && name == PartName());
    for (const pb::Part& part : parts_) ours |= part.name() == name;
    if (!ours) std::filesystem::remove_all(entry.path(), error);
    if (error) return StorageError(error.value(), "remove", name);
  }
  if (error) return StorageError(error.value(), "list", temporary_);
  return absl::OkStatus();
}

std::string OutputWriter::PartName() const {
  return absl::StrFormat("part-%05d.%s", parts_.size(),
                         Ending(options_.format));
}

absl::Status OutputWriter::OpenPart() {
  ASSIGN_OR_RETURN(part_,
                   PartFile::Create(temporary_, PartName(), options_.mode));
  names_synced_ = false;
  return absl::OkStatus();
}

absl::Status OutputWriter::ClosePart() {
  ASSIGN_OR_RETURN(pb::Part part, part_->Finish());
  parts_.push_back(std::move(part));
  part_.reset();
  return absl::OkStatus();
}

absl::Status OutputWriter::BeginHeader() {
  header_begun_ = true;
  RETURN_IF_ERROR(OpenPart());
  std::string header;
  AppendHeader(options_.schema, options_.format, &header);
  return part_->Append({header}, 0);
}

absl::Status OutputWriter::Append(absl::Span<const absl::string_view> pieces,
                                  int64_t rows) {
  if (!header_begun_) RETURN_IF_ERROR(BeginHeader());
  if (part_ == nullptr) RETURN_IF_ERROR(OpenPart());
  return part_->Append(pieces, rows);
}

absl::Status OutputWriter::Reject(const RejectedRows& rows,
                                  const std::vector<std::string>& texts) {
  if (rejects_ == nullptr) {
    ASSIGN_OR_RETURN(rejects_,
                     PartFile::Create(temporary_, kRejects, options_.mode));
    names_synced_ = false;
  }
  std::string text;
  int64_t waiting = 0;
  for (int64_t i = 0; i < rows.size(); ++i) {
    text.append("{\"row\": ");
    AppendInt(rows.row(i), &text);
    text.append(", \"reason\": ");
    AppendJsonString(rows.reason(i), &text);
    text.append(", \"message\": ");
    AppendJsonString(rows.Message(i), &text);
    text.append(", \"text\": ");
    AppendJsonString(texts[static_cast<size_t>(i)], &text);
    text.append("}\n");
    ++waiting;
    if (text.size() < kRejectsAtOnce && i + 1 < rows.size()) continue;
    RETURN_IF_ERROR(rejects_->Append({text}, std::exchange(waiting, 0)));
    text.clear();
  }
  return absl::OkStatus();
}

absl::StatusOr<pb::JournalBatch> OutputWriter::EndBatch() {
  pb::JournalBatch batch = batch_;
  batch.set_part(static_cast<int64_t>(parts_.size()));
  const bool closes =
      part_ != nullptr && part_->bytes() >= options_.max_part_bytes;
  if (part_ != nullptr) {
    batch.set_part_end(part_->bytes());
    batch.set_part_crc32c(part_->TakeCrc32c());
    batch.set_part_digest(part_->TakeDigest(closes));
  }
  if (rejects_ != nullptr) {
    batch.set_rejects_end(rejects_->bytes());
    batch.set_rejects_crc32c(rejects_->TakeCrc32c());
    batch.set_rejects_digest(rejects_->TakeDigest(false));
  }
  if (closes) RETURN_IF_ERROR(ClosePart());
  batch_.set_part_begin(part_ == nullptr ? 0 : part_->bytes());
  batch_.set_rejects_begin(batch.rejects_end());
  return batch;
}

absl::Status OutputWriter::Sync() {
  if (part_ != nullptr) part_->Sync();
  if (rejects_ != nullptr) rejects_->Sync();
  if (!names_synced_) RETURN_IF_ERROR(SyncDirectory(temporary_));
  names_synced_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<pb::RejectedRow>> OutputWriter::FirstRejected(
    size_t count) const {
  std::vector<pb::RejectedRow> rows;
  if (rejects_ == nullptr) return rows;
  google::protobuf::util::JsonParseOptions parse;
  parse.ignore_unknown_fields = true;  // The text.
  std::ifstream file(temporary_ + "/" + kRejects);
  std::string line;
  while (rows.size() < count && std::getline(file, line))
    if (!google::protobuf::util::JsonStringToMessage(line, &rows.emplace_back(),
                                                     parse)
             .ok())
      return absl::DataLossError("the rejects file cannot be read");
  return rows;
}

absl::Status OutputWriter::WriteManifest(const pb::Manifest& manifest) {
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = true;
  print.always_print_primitive_fields = true;
  print.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(manifest, &json, print).ok())
    return absl::InternalError("the manifest cannot be written as JSON");
  ASSIGN_OR_RETURN(
      std::unique_ptr<PartFile> file,
      PartFile::Create(temporary_, "manifest.json", options_.mode));
  RETURN_IF_ERROR(file->Append({json}, 0));
  return file->Finish().status();
}

absl::Status OutputWriter::Rename() {
  RETURN_IF_ERROR(Move(temporary_, options_.directory));
  return SyncDirectory(ParentOf(options_.directory));
}

absl::StatusOr<pb::Manifest> OutputWriter::Publish(pb::Manifest manifest) {
  if (!header_begun_) RETURN_IF_ERROR(BeginHeader());
  if (part_ != nullptr) RETURN_IF_ERROR(ClosePart());
  manifest.set_format(options_.format);
  int64_t rows = 0;
  for (const pb::Part& part : parts_) {
    *manifest.add_parts() = part;
    rows += part.rows();
  }
  manifest.set_rows_ok(rows);
  if (rejects_ != nullptr) {
    ASSIGN_OR_RETURN(*manifest.mutable_rejects(), rejects_->Finish());
  }
  if (manifest.rows_read() != rows + manifest.rejects().rows() ||
      manifest.rows_rejected() != manifest.rejects().rows())
    return absl::InternalError(absl::StrCat(
        "rows are missing: read ", manifest.rows_read(), ", written ", rows,
        ", rejected ", manifest.rejects().rows()));
#ifdef TROUPE_FAULT_SWAP_RENAME
  // Only in the build that shows that the fault tests would notice.
  RETURN_IF_ERROR(Rename());
  std::filesystem::create_directory(temporary_);
  RETURN_IF_ERROR(WriteManifest(manifest));
  RETURN_IF_ERROR(Move(temporary_ + "/manifest.json",
                       options_.directory + "/manifest.json"));
  std::filesystem::remove(temporary_);
#else
  RETURN_IF_ERROR(WriteManifest(manifest));
  RETURN_IF_ERROR(SyncDirectory(temporary_));
  RETURN_IF_ERROR(Rename());
#endif
  return manifest;
}

}  // namespace troupe
