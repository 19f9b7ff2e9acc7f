// Every error that a caller may decide on: a canonical code and a reason, made
// by one function each. Nobody matches on texts. On the wire the reason and the
// metadata become google.rpc.ErrorInfo (services/host/grpc_status.h).
//
// Messages say what, where and what to do; user values are quoted; lower case,
// no full stop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace troupe {

using ErrorMetadata = std::map<std::string, std::string>;

// Makes a status that carries `reason` (UPPER_SNAKE_CASE) and `metadata`.
// Prefer the functions below; this one is for reasons that only one place
// knows.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason,
                       absl::string_view message,
                       const ErrorMetadata& metadata = {});

// The reason of `status`; "" when it carries none.
std::string ReasonOf(const absl::Status& status);

// The metadata of `status`; empty when it carries none.
ErrorMetadata MetadataOf(const absl::Status& status);

// `status` with one more metadata entry (an existing one is kept).
absl::Status WithMetadata(absl::Status status, absl::string_view key,
                          absl::string_view value);

// `status` with `prefix` and ": " before its message; reason and metadata stay.
absl::Status WithPrefix(const absl::Status& status, absl::string_view prefix);

// Several mistakes as one error: a line each, code, reason and metadata of the
// first, and of the others where they are: those of the second have `_2` behind
// their keys (`field`, `field_2`, ...). `errors` holds one at least, none of
// them OK; more than 20 are not told.
absl::Status Together(const std::vector<absl::Status>& errors);

// The key that Together gives to `key` of mistake number `i`, from 0.
std::string KeyAt(absl::string_view key, size_t i);

// The value of `key` for mistake number `i`, from 0, of Together; "" where
// there is none.
std::string MetadataAt(const ErrorMetadata& metadata, absl::string_view key,
                       size_t i);

// How long a caller should wait before it tries again, where known.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

// --- The mailbox and the life of an actor ------------------------------------
absl::Status MailboxFull(int64_t messages,
                         int64_t bytes);           // RESOURCE_EXHAUSTED
absl::Status NotReady(absl::string_view service);  // UNAVAILABLE
absl::Status Draining(absl::string_view service);  // UNAVAILABLE
absl::Status ExpiredInQueue();                     // DEADLINE_EXCEEDED
absl::Status CallerLeft();                         // CANCELLED
// DEADLINE_EXCEEDED: the other end of a stream sent, or took, too little.
absl::Status StreamSilent();
// RESOURCE_EXHAUSTED: so many streams are open already.
absl::Status TooManyStreams(int64_t most);
absl::Status HandlerFailed(absl::string_view service,
                           absl::string_view what);    // INTERNAL
absl::Status WorkLimitExceeded(absl::Duration limit);  // DEADLINE_EXCEEDED
absl::Status UnknownMethod(absl::string_view method);  // UNIMPLEMENTED

// UNAVAILABLE: these stages have no replica that serves now.
absl::Status NoReplica(const std::vector<std::string>& stages);

// --- Names, specs, data ------------------------------------------------------
// INVALID_ARGUMENT (UNKNOWN_NAME): `no KIND "NAME"; did you mean "..."?`
absl::Status UnknownName(absl::string_view kind, absl::string_view name,
                         const std::vector<std::string>& candidates);
// INVALID_ARGUMENT (UNKNOWN_COLUMN), with the nearest name.
absl::Status UnknownColumn(absl::string_view name,
                           const std::vector<std::string>& columns);
// INVALID_ARGUMENT (BAD_SPEC). `field` is a path such as
// `steps[2].standardize.columns`, also in the metadata.
absl::Status BadSpec(absl::string_view field, absl::string_view message);
// INVALID_ARGUMENT (BAD_TABLE): a table on the wire is malformed.
absl::Status BadTable(absl::string_view message);
// INVALID_ARGUMENT (BAD_MESSAGE): a request cannot be parsed.
absl::Status BadMessage(absl::string_view message);
// RESOURCE_EXHAUSTED (MESSAGE_TOO_LARGE): a message cannot be serialized.
// `type` is its name in the protos.
absl::Status MessageTooLarge(absl::string_view type, int64_t bytes,
                             int64_t max_bytes);
// INVALID_ARGUMENT (BAD_INPUT): text that cannot be read. `line` and `column`
// count from 1; 0 where unknown; both go into message and metadata.
absl::Status BadInput(absl::string_view file, int64_t line, int64_t column,
                      absl::string_view message);

// --- Files and artifacts -----------------------------------------------------
absl::Status FileNotFound(absl::string_view path);        // NOT_FOUND
absl::Status OutsideRoots(absl::string_view path);        // PERMISSION_DENIED
absl::Status InputChanged(absl::string_view path);        // FAILED_PRECONDITION
absl::Status ArtifactMissing(absl::string_view sha256);   // FAILED_PRECONDITION
absl::Status ArtifactCorrupt(absl::string_view message);  // INVALID_ARGUMENT
// RESOURCE_EXHAUSTED: an artifact has more than `max_bytes`. `limit` says whose
// limit that is: "--max_artifact_bytes of the coordinator".
absl::Status ArtifactTooLarge(int64_t max_bytes, absl::string_view limit);
absl::Status TrainingTooLarge(int64_t need_bytes,
                              int64_t budget_bytes);  // RESOURCE_EXHAUSTED

// --- Jobs and pipelines ------------------------------------------------------
absl::Status JobNotFound(absl::string_view id);             // NOT_FOUND
absl::Status PipelineNotFound(absl::string_view pipeline);  // NOT_FOUND
// FAILED_PRECONDITION: `jobs`, which have not ended, need the version.
absl::Status PipelineInUse(absl::string_view pipeline,
                           const std::vector<std::string>& jobs);
// FAILED_PRECONDITION: `labels` point to the version.
absl::Status PipelineLabelled(absl::string_view pipeline,
                              const std::vector<std::string>& labels);
absl::Status JobRunning(absl::string_view id);  // FAILED_PRECONDITION
// RESOURCE_EXHAUSTED, with a retry delay: `max_jobs` have not ended.
absl::Status TooManyJobs(int64_t max_jobs);
// RESOURCE_EXHAUSTED, with a retry delay: rows that wait to be predicted have
// reached `limit`, such as "16384 rows".
absl::Status TooManyRequests(absl::string_view limit);
// RESOURCE_EXHAUSTED, with a retry delay: so many are checked at once.
absl::Status TooManyValidations(int64_t max_validations);
absl::Status JobCancelled(absl::string_view id);  // CANCELLED
absl::Status NotShort(absl::string_view id);      // FAILED_PRECONDITION
// FAILED_PRECONDITION (TOO_MANY_REJECTS).
// With the first messages, a line each.
absl::Status TooManyRejects(int64_t rejected, int64_t read, double limit,
                            const std::vector<std::string>& first);

}  // namespace troupe
