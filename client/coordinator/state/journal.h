// The Journal is what a job goes on from after a restart: how its input is cut,
// which batches are in the output and where, which steps of a training are
// done, and what happened to it.
//
// Everything here is durable when the call returns OK. Errors: DISK_FULL,
// JOURNAL_DAMAGED.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/coordinator/state/database.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"
#include "troupe/v1/journal.pb.h"
#include "troupe/v1/loader.pb.h"

namespace troupe {

google::protobuf::Timestamp TimestampOf(absl::Time time);

class Journal {
 public:
  // `epoch` is written into what is committed. `database` must live as long as
  // this object.
  Journal(Database* database, int64_t epoch)
      : database_(database), epoch_(epoch) {}

  // --- Boundaries, before anything is dispatched -----------------------------
  // Records the splits of a page and how planning goes on after it.
  absl::Status AddPage(absl::string_view job, const pb::PlanResponse& page);
  // How far planning got; nullopt when it has not begun.
  absl::StatusOr<std::optional<pb::PlannedInput>> Planned(
      absl::string_view job) const;
  // The splits recorded, by number, from number `first` on.
  absl::StatusOr<std::vector<pb::Split>> Splits(absl::string_view job,
                                                int64_t first) const;

  // --- Results, after they are in synced files -------------------------------
  // Records where consecutive batches lie. `split` of each may be left out but
  // for its number.
  absl::Status Commit(absl::string_view job,
                      const std::vector<pb::JournalBatch>& batches);
  // The committed batches, from number 0 on, without gaps. Batches behind a gap
  // (there is none unless the journal was tampered with) are left out.
  absl::StatusOr<std::vector<pb::JournalBatch>> Committed(
      absl::string_view job) const;
  // Batches from number `first` on are to be done again.
  absl::Status Uncommit(absl::string_view job, int64_t first);

  // --- Steps -----------------------------------------------------------------
  absl::Status FinishStep(absl::string_view job, absl::string_view step,
                          const pb::FinishedStep& content);
  absl::StatusOr<std::optional<pb::FinishedStep>> Step(
      absl::string_view job, absl::string_view step) const;

  // --- For people and for cleaning up ----------------------------------------
  // Keeps the newest 1,000 of a job.
  absl::Status AddEvent(absl::string_view job, absl::Time time,
                        absl::string_view kind, absl::string_view message);
  // A page of what there is. BAD_SPEC for a token that this did not return.
  absl::StatusOr<pb::Journal> Show(const pb::GetJournalRequest& request) const;

  // Steps are not needed any more: the job has what they led to.
  absl::Status ForgetSteps(absl::string_view job);

 private:
  Database* const database_;
  const int64_t epoch_;
};

}  // namespace troupe
