#include "client/coordinator/output_writer.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/coordinator/number_text.h"
#include "client/coordinator/table_text.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

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

absl::Status OutputError(absl::string_view doing, const std::string& path,
                         const std::error_code& error) {
  return MakeError(
      absl::StatusCode::kInternal, "OUTPUT_FAILED",
      absl::StrCat("cannot ", doing, " \"", path, "\": ", error.message()));
}

}  // namespace

OutputWriter::OutputWriter(OutputOptions options)
    : options_(std::move(options)), temporary_(options_.directory + ".tmp") {}

absl::StatusOr<std::unique_ptr<OutputWriter>> OutputWriter::Create(
    OutputOptions options) {
  std::unique_ptr<OutputWriter> writer(new OutputWriter(std::move(options)));
  std::error_code error;
  std::filesystem::remove_all(writer->temporary_, error);
  std::filesystem::create_directory(writer->temporary_, error);
  if (error) return OutputError("make", writer->temporary_, error);
  return writer;
}

OutputWriter::~OutputWriter() {
  if (published_) return;
  part_.reset();
  rejects_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(temporary_, ignored);
}

absl::Status OutputWriter::OpenPart() {
  const std::string name =
      absl::StrFormat("part-%05d.%s", parts_.size(), Ending(options_.format));
  ASSIGN_OR_RETURN(part_, PartFile::Create(temporary_, name));
  return absl::OkStatus();
}

absl::Status OutputWriter::ClosePart() {
  ASSIGN_OR_RETURN(pb::Part part, part_->Finish());
  parts_.push_back(std::move(part));
  part_.reset();
  return absl::OkStatus();
}

absl::Status OutputWriter::BeginHeader(const Schema& schema) {
  header_begun_ = true;
  for (const Field& field : schema) columns_.push_back(field.name);
  RETURN_IF_ERROR(OpenPart());
  text_.clear();
  AppendHeader(schema, options_.format, &text_);
  return part_->Append(text_, 0);
}

absl::Status OutputWriter::Append(const Table& table) {
  if (!header_begun_) RETURN_IF_ERROR(BeginHeader(table.schema));
  bool same = table.schema.size() == columns_.size();
  for (size_t i = 0; same && i < columns_.size(); ++i)
    same = table.schema[i].name == columns_[i];
  if (!same)
    return absl::InternalError(
        "the last stage answered batches with different columns");
  if (part_ == nullptr) RETURN_IF_ERROR(OpenPart());
  text_.clear();
  AppendRows(table, options_.format, &text_);
  RETURN_IF_ERROR(part_->Append(text_, table.rows));
  return part_->bytes() < options_.max_part_bytes ? absl::OkStatus()
                                                  : ClosePart();
}

absl::Status OutputWriter::Reject(const std::vector<RejectedRecord>& records) {
  if (records.empty()) return absl::OkStatus();
  if (rejects_ == nullptr) {
    ASSIGN_OR_RETURN(rejects_, PartFile::Create(temporary_, "rejects.jsonl"));
  }
  text_.clear();
  for (const RejectedRecord& record : records) {
    text_.append("{\"row\": ");
    AppendInt(record.row.row(), &text_);
    text_.append(", \"reason\": ");
    AppendJsonString(record.row.reason(), &text_);
    text_.append(", \"message\": ");
    AppendJsonString(record.row.message(), &text_);
    text_.append(", \"text\": ");
    AppendJsonString(record.text, &text_);
    text_.append("}\n");
  }
  return rejects_->Append(text_, static_cast<int64_t>(records.size()));
}

absl::Status OutputWriter::FinishHeader(const Schema& schema) {
  return header_begun_ ? absl::OkStatus() : BeginHeader(schema);
}

absl::Status OutputWriter::WriteManifest(const pb::Manifest& manifest) {
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = true;
  print.always_print_primitive_fields = true;
  print.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(manifest, &json, print).ok())
    return absl::InternalError("the manifest cannot be written as JSON");
  ASSIGN_OR_RETURN(std::unique_ptr<PartFile> file,
                   PartFile::Create(temporary_, "manifest.json"));
  RETURN_IF_ERROR(file->Append(json, 0));
  return file->Finish().status();
}

absl::StatusOr<pb::Manifest> OutputWriter::Publish(pb::Manifest manifest) {
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
  RETURN_IF_ERROR(WriteManifest(manifest));
  RETURN_IF_ERROR(SyncDirectory(temporary_));
  std::error_code error;
  std::filesystem::rename(temporary_, options_.directory, error);
  if (error) return OutputError("rename to", options_.directory, error);
  published_ = true;
  RETURN_IF_ERROR(SyncDirectory(
      std::filesystem::path(options_.directory).parent_path().string()));
  return manifest;
}

}  // namespace troupe
