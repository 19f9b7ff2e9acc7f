#include "services/base/errors.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/base/nearest.h"

namespace troupe {
namespace {

using Code = absl::StatusCode;

// Payloads of a status. The error info is a list of lines, each escaped: the
// reason, then key and value in turn.
constexpr absl::string_view kInfoUrl = "troupe/error-info";
constexpr absl::string_view kRetryUrl = "troupe/retry-delay";

constexpr size_t kNamedJobs = 5;  // In a message.
constexpr absl::Duration kAskAgainForAJob = absl::Seconds(2);
constexpr absl::Duration kAskAgainForAPrediction = absl::Milliseconds(100);
constexpr absl::Duration kAskAgainForAValidation = absl::Milliseconds(200);

std::vector<std::string> InfoLines(const absl::Status& status) {
  const auto payload = status.GetPayload(kInfoUrl);
  if (!payload.has_value()) return {};
  const std::string text(*payload);
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    std::string plain;
    if (absl::CUnescape(line, &plain)) lines.push_back(std::move(plain));
  }
  return lines;
}

void SetInfo(absl::Status& status, absl::string_view reason,
             const ErrorMetadata& metadata) {
  std::string text = absl::CEscape(reason);
  for (const auto& [key, value] : metadata)
    absl::StrAppend(&text, "\n", absl::CEscape(key), "\n",
                    absl::CEscape(value));
  status.SetPayload(kInfoUrl, absl::Cord(text));
}

}  // namespace

absl::Status MakeError(Code code, absl::string_view reason,
                       absl::string_view message,
                       const ErrorMetadata& metadata) {
  absl::Status status(code, message);
  SetInfo(status, reason, metadata);
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  const std::vector<std::string> lines = InfoLines(status);
  return lines.empty() ? "" : lines[0];
}

ErrorMetadata MetadataOf(const absl::Status& status) {
  const std::vector<std::string> lines = InfoLines(status);
  ErrorMetadata metadata;
  for (size_t i = 1; i + 1 < lines.size(); i += 2)
    metadata.emplace(lines[i], lines[i + 1]);
  return metadata;
}

absl::Status WithMetadata(absl::Status status, absl::string_view key,
                          absl::string_view value) {
  if (status.ok()) return status;
  ErrorMetadata metadata = MetadataOf(status);
  metadata.emplace(key, value);
  SetInfo(status, ReasonOf(status), metadata);
  return status;
}

absl::Status WithPrefix(const absl::Status& status, absl::string_view prefix) {
  if (status.ok()) return status;
  absl::Status longer(status.code(),
                      absl::StrCat(prefix, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    longer.SetPayload(url, payload);
  });
  return longer;
}

std::string KeyAt(absl::string_view key, size_t i) {
  return i == 0 ? std::string(key) : absl::StrCat(key, "_", i + 1);
}

absl::Status Together(const std::vector<absl::Status>& errors) {
  if (errors.size() == 1) return errors[0];
  constexpr size_t kTold = 20;
  std::vector<absl::string_view> lines;
  ErrorMetadata metadata;
  for (size_t i = 0; i < errors.size() && i < kTold; ++i) {
    lines.push_back(errors[i].message());
    // The rest of what it says stands in its line; metadata have little room.
    for (const auto& [key, value] : MetadataOf(errors[i]))
      if (i == 0 || key == "field" || key == "column" ||
          absl::StartsWith(key, "yaml_"))
        metadata.emplace(KeyAt(key, i), value);
  }
  return MakeError(errors[0].code(), ReasonOf(errors[0]),
                   absl::StrJoin(lines, "\n"), metadata);
}

std::string MetadataAt(const ErrorMetadata& metadata, absl::string_view key,
                       size_t i) {
  const auto found = metadata.find(KeyAt(key, i));
  return found == metadata.end() ? "" : found->second;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  status.SetPayload(kRetryUrl, absl::Cord(absl::FormatDuration(delay)));
  return status;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryUrl);
  absl::Duration delay;
  if (!payload.has_value() ||
      !absl::ParseDuration(std::string(*payload), &delay))
    return std::nullopt;
  return delay;
}

absl::Status MailboxFull(int64_t messages, int64_t bytes) {
  return WithRetryDelay(
      MakeError(Code::kResourceExhausted, "MAILBOX_FULL",
                absl::StrCat("mailbox is full (", messages, " messages, ",
                             bytes, " bytes); try another replica"),
                {{"messages", absl::StrCat(messages)},
                 {"bytes", absl::StrCat(bytes)}}),
      absl::Milliseconds(50));
}

absl::Status StreamSilent() {
  return MakeError(Code::kDeadlineExceeded, "STREAM_SILENT",
                   "the caller sent, or took, too little for too long");
}

absl::Status TooManyStreams(int64_t most) {
  return WithRetryDelay(
      MakeError(Code::kResourceExhausted, "TOO_MANY_STREAMS",
                absl::StrCat(most, " streams are open; try again later")),
      absl::Seconds(1));
}

absl::Status NotReady(absl::string_view service) {
  return MakeError(Code::kUnavailable, "NOT_READY",
                   absl::StrCat(service, " is still starting"));
}

absl::Status Draining(absl::string_view service) {
  return MakeError(Code::kUnavailable, "DRAINING",
                   absl::StrCat(service, " is stopping; try another replica"));
}

absl::Status ExpiredInQueue() {
  return MakeError(Code::kDeadlineExceeded, "EXPIRED_IN_QUEUE",
                   "the deadline passed before the message was handled");
}

absl::Status CallerLeft() {
  return MakeError(Code::kCancelled, "CALLER_LEFT",
                   "the caller left before the message was handled");
}

absl::Status HandlerFailed(absl::string_view service, absl::string_view what) {
  return MakeError(Code::kInternal, "HANDLER_FAILED",
                   absl::StrCat(service, " failed: ", what),
                   {{"service", std::string(service)}});
}

absl::Status WorkLimitExceeded(absl::Duration limit) {
  return MakeError(Code::kDeadlineExceeded, "WORK_LIMIT_EXCEEDED",
                   absl::StrCat("the message ran longer than its limit of ",
                                absl::FormatDuration(limit)));
}

absl::Status UnknownMethod(absl::string_view method) {
  return MakeError(Code::kUnimplemented, "UNKNOWN_METHOD",
                   absl::StrCat("no method \"", method, "\" here"));
}

absl::Status NoReplica(const std::vector<std::string>& stages) {
  const std::string names = absl::StrJoin(stages, ", ");
  return MakeError(Code::kUnavailable, "NO_REPLICA",
                   absl::StrCat("no replica of ", names,
                                " serves; start one, and try again"),
                   {{"stage", names}});
}

absl::Status UnknownName(absl::string_view kind, absl::string_view name,
                         const std::vector<std::string>& candidates) {
  return MakeError(Code::kInvalidArgument, "UNKNOWN_NAME",
                   absl::StrCat("no ", kind, " \"", name, "\"",
                                DidYouMean(name, candidates)),
                   {{"name", std::string(name)},
                    {"nearest", NearestName(name, candidates)}});
}

absl::Status UnknownColumn(absl::string_view name,
                           const std::vector<std::string>& columns) {
  // `[age income]`: two names in one.
  const std::vector<std::string> words = absl::StrSplit(name, ' ');
  const bool comma_missing =
      words.size() > 1 &&
      std::all_of(words.begin(), words.end(), [&](const std::string& word) {
        return std::find(columns.begin(), columns.end(), word) != columns.end();
      });
  return MakeError(
      Code::kInvalidArgument, "UNKNOWN_COLUMN",
      absl::StrCat("column \"", name, "\" is not in the table",
                   comma_missing ? "; is a comma missing between two names?"
                                 : DidYouMean(name, columns),
                   AskForDelimiter(columns)),
      {{"column", std::string(name)}, {"nearest", NearestName(name, columns)}});
}

absl::Status BadSpec(absl::string_view field, absl::string_view message) {
  return MakeError(Code::kInvalidArgument, "BAD_SPEC",
                   absl::StrCat(field, ": ", message),
                   {{"field", std::string(field)}});
}

absl::Status BadTable(absl::string_view message) {
  return MakeError(Code::kInvalidArgument, "BAD_TABLE",
                   absl::StrCat("malformed table: ", message));
}

absl::Status BadMessage(absl::string_view message) {
  return MakeError(Code::kInvalidArgument, "BAD_MESSAGE", message);
}

absl::Status MessageTooLarge(absl::string_view type, int64_t bytes,
                             int64_t max_bytes) {
  return MakeError(
      Code::kResourceExhausted, "MESSAGE_TOO_LARGE",
      absl::StrCat("a ", type, " of ", bytes,
                   " bytes cannot be sent or stored: it may have ", max_bytes),
      {{"bytes", absl::StrCat(bytes)}, {"max_bytes", absl::StrCat(max_bytes)}});
}

absl::Status BadInput(absl::string_view file, int64_t line, int64_t column,
                      absl::string_view message) {
  std::string where(file);
  ErrorMetadata metadata = {{"file", std::string(file)}};
  if (line > 0) {
    absl::StrAppend(&where, ":", line);
    metadata["line"] = absl::StrCat(line);
  }
  if (column > 0) {
    absl::StrAppend(&where, ":", column);
    metadata["column"] = absl::StrCat(column);
  }
  return MakeError(Code::kInvalidArgument, "BAD_INPUT",
                   absl::StrCat(where, ": ", message), metadata);
}

absl::Status FileNotFound(absl::string_view path) {
  return MakeError(Code::kNotFound, "FILE_NOT_FOUND",
                   absl::StrCat("no file \"", path, "\""),
                   {{"path", std::string(path)}});
}

absl::Status OutsideRoots(absl::string_view path) {
  return MakeError(
      Code::kPermissionDenied, "OUTSIDE_ROOTS",
      absl::StrCat("\"", path, "\" is not below the loader's roots"),
      {{"path", std::string(path)}});
}

absl::Status InputChanged(absl::string_view path) {
  return MakeError(Code::kFailedPrecondition, "INPUT_CHANGED",
                   absl::StrCat("\"", path, "\" changed while it was read"),
                   {{"path", std::string(path)}});
}

absl::Status ArtifactMissing(absl::string_view sha256) {
  return MakeError(Code::kFailedPrecondition, "ARTIFACT_MISSING",
                   absl::StrCat("artifact ", sha256, " is not here"),
                   {{"sha256", std::string(sha256)}});
}

absl::Status ArtifactCorrupt(absl::string_view message) {
  return MakeError(Code::kInvalidArgument, "ARTIFACT_CORRUPT",
                   absl::StrCat("corrupt artifact: ", message));
}

absl::Status ArtifactTooLarge(int64_t max_bytes, absl::string_view limit) {
  return MakeError(Code::kResourceExhausted, "ARTIFACT_TOO_LARGE",
                   absl::StrCat("the artifact has more than ", max_bytes,
                                " bytes; fit a smaller one, or raise ", limit),
                   {{"max_bytes", absl::StrCat(max_bytes)}});
}

absl::Status TrainingTooLarge(int64_t need_bytes, int64_t budget_bytes) {
  return MakeError(
      Code::kResourceExhausted, "TRAINING_TOO_LARGE",
      absl::StrFormat("training needs %.1f MiB and may use %.1f MiB; train on "
                      "fewer rows or columns, or raise the budget",
                      static_cast<double>(need_bytes) / 1048576.0,
                      static_cast<double>(budget_bytes) / 1048576.0),
      {{"need_bytes", absl::StrCat(need_bytes)},
       {"budget_bytes", absl::StrCat(budget_bytes)}});
}

absl::Status JobNotFound(absl::string_view id) {
  return MakeError(Code::kNotFound, "JOB_NOT_FOUND",
                   absl::StrCat("no job \"", id, "\""));
}

absl::Status PipelineNotFound(absl::string_view pipeline) {
  return MakeError(Code::kNotFound, "PIPELINE_NOT_FOUND",
                   absl::StrCat("no pipeline \"", pipeline, "\""));
}

absl::Status PipelineInUse(absl::string_view pipeline,
                           const std::vector<std::string>& jobs) {
  const size_t named = std::min(jobs.size(), kNamedJobs);
  std::string names = absl::StrJoin(jobs.begin(), jobs.begin() + named, ", ");
  if (named < jobs.size())
    absl::StrAppend(&names, " and ", jobs.size() - named, " more");
  return MakeError(
      Code::kFailedPrecondition, "PIPELINE_IN_USE",
      absl::StrCat("\"", pipeline, "\" is needed by what has not ended: job",
                   jobs.size() == 1 ? " " : "s ", names,
                   "; wait for the end or cancel, then delete it again"),
      {{"pipeline", std::string(pipeline)}, {"jobs", names}});
}

absl::Status PipelineLabelled(absl::string_view pipeline,
                              const std::vector<std::string>& labels) {
  const std::string names = absl::StrJoin(labels, ", ");
  return MakeError(
      Code::kFailedPrecondition, "PIPELINE_LABELLED",
      absl::StrCat("\"", pipeline, "\" is what ", names,
                   labels.size() == 1 ? " points" : " point",
                   " to; label another version, then delete it again"),
      {{"pipeline", std::string(pipeline)}, {"labels", names}});
}

absl::Status JobRunning(absl::string_view id) {
  return MakeError(
      Code::kFailedPrecondition, "JOB_RUNNING",
      absl::StrCat("job \"", id, "\" is still running; cancel it first"));
}

absl::Status TooManyJobs(int64_t max_jobs) {
  return WithRetryDelay(
      MakeError(Code::kResourceExhausted, "TOO_MANY_JOBS",
                absl::StrCat(max_jobs,
                             " jobs have not ended, and no more are taken; try "
                             "again when one has, or raise "
                             "--max_unfinished_jobs of the coordinator"),
                {{"max_jobs", absl::StrCat(max_jobs)}}),
      kAskAgainForAJob);
}

absl::Status TooManyRequests(absl::string_view limit) {
  return WithRetryDelay(
      MakeError(Code::kResourceExhausted, "TOO_MANY_REQUESTS",
                absl::StrCat("requests with ", limit,
                             " wait already; try again, add replicas, or raise "
                             "--online_queue_rows of the coordinator")),
      kAskAgainForAPrediction);
}

absl::Status TooManyValidations(int64_t max_validations) {
  return WithRetryDelay(
      MakeError(Code::kResourceExhausted, "TOO_MANY_VALIDATIONS",
                absl::StrCat(max_validations,
                             " jobs are validated already; try again"),
                {{"max_validations", absl::StrCat(max_validations)}}),
      kAskAgainForAValidation);
}

absl::Status NotShort(absl::string_view id) {
  return MakeError(Code::kFailedPrecondition, "NOT_SHORT",
                   absl::StrCat("job \"", id, "\" is not a short one"));
}

absl::Status JobCancelled(absl::string_view id) {
  return MakeError(Code::kCancelled, "JOB_CANCELLED",
                   absl::StrCat("job \"", id, "\" was cancelled"));
}

absl::Status TooManyRejects(int64_t rejected, int64_t read, double limit,
                            const std::vector<std::string>& first) {
  return MakeError(
      Code::kFailedPrecondition, "TOO_MANY_REJECTS",
      absl::StrCat(
          absl::StrFormat("%d of %d rows are bad, more than max_rejects (%g) "
                          "allows",
                          rejected, read, limit),
          first.empty() ? "" : ":\n  ", absl::StrJoin(first, "\n  ")),
      {{"rejected", absl::StrCat(rejected)}, {"read", absl::StrCat(read)}});
}

}  // namespace troupe
