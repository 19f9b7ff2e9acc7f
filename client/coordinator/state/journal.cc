#include "client/coordinator/state/journal.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/coordinator/state/garbage.h"
#include "client/coordinator/state/page.h"
#include "google/protobuf/util/time_util.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

constexpr int64_t kKeptEvents = 1000;
constexpr size_t kCursorPiece = 2000;  // Bytes: two in a page of the database.

// Calls `visit` with every T in the first column.
template <typename T, typename Visit>
absl::Status ForEach(Statement& select, Visit visit) {
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) return absl::OkStatus();
    ASSIGN_OR_RETURN(T message, select.SealedMessage<T>(0));
    RETURN_IF_ERROR(visit(std::move(message)));
  }
}

// A row found under one number must be the batch of that number.
absl::Status CheckNumber(const pb::JournalBatch& batch, int64_t number) {
  return batch.split().number() == number
             ? absl::OkStatus()
             : JournalDamaged("a batch stands in another one's place");
}

// The row of a plan. Its page is without cursor and digests, except in plans
// that an earlier version wrote.
absl::StatusOr<std::optional<pb::PlannedInput>> PlanRow(Connection& connection,
                                                        absl::string_view job) {
  ASSIGN_OR_RETURN(Statement select,
                   connection.Prepare("SELECT plan FROM plans WHERE job = ?"));
  ASSIGN_OR_RETURN(const bool found, select.Bind(job).Next());
  if (!found) return std::nullopt;
  ASSIGN_OR_RETURN(pb::PlannedInput plan,
                   select.SealedMessage<pb::PlannedInput>(0));
  return plan;
}

absl::StatusOr<std::string> CursorOf(Connection& connection,
                                     absl::string_view job) {
  ASSIGN_OR_RETURN(Statement select,
                   connection.Prepare("SELECT piece FROM plan_cursors WHERE"
                                      " job = ? ORDER BY number"));
  select.Bind(job);
  std::string cursor;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) return cursor;
    ASSIGN_OR_RETURN(const std::string piece, select.Sealed(0));
    cursor += piece;
  }
}

// A cursor names all files, so most of it is as it was in the one before: only
// pieces that differ are written.
absl::Status PutCursor(Connection& connection, absl::string_view job,
                       absl::string_view before, absl::string_view now) {
  int64_t number = 0;
  for (size_t at = 0; at < now.size(); at += kCursorPiece, ++number) {
    const absl::string_view piece = now.substr(at, kCursorPiece);
    if (at < before.size() && before.substr(at, kCursorPiece) == piece)
      continue;
    ASSIGN_OR_RETURN(
        Statement insert,
        connection.Prepare(
            "INSERT OR REPLACE INTO plan_cursors VALUES (?, ?, ?)"));
    RETURN_IF_ERROR(insert.Bind(job).Bind(number).BindSealed(piece).Execute());
  }
  ASSIGN_OR_RETURN(
      Statement remove,
      connection.Prepare(
          "DELETE FROM plan_cursors WHERE job = ? AND number >= ?"));
  return remove.Bind(job).Bind(number).Execute();
}

absl::Status PutDigests(Connection& connection, absl::string_view job,
                        const pb::PlanResponse& page) {
  if (page.digests_size() == 0) return absl::OkStatus();
  pb::PlanResponse told;
  *told.mutable_digests() = page.digests();
  ASSIGN_OR_RETURN(const std::string bytes, Serialize(told));
  ASSIGN_OR_RETURN(
      Statement insert,
      connection.Prepare("INSERT INTO plan_digests SELECT ?1, 1 + coalesce("
                         "(SELECT max(number) FROM plan_digests"
                         " WHERE job = ?1), 0), ?2"));
  return insert.Bind(job).BindSealed(bytes).Execute();
}

// The plan with all that was left out of its row.
absl::StatusOr<std::optional<pb::PlannedInput>> PlanOf(Connection& connection,
                                                       absl::string_view job) {
  ASSIGN_OR_RETURN(std::optional<pb::PlannedInput> plan,
                   PlanRow(connection, job));
  if (!plan.has_value()) return plan;
  ASSIGN_OR_RETURN(std::string cursor, CursorOf(connection, job));
  if (!cursor.empty()) plan->mutable_page()->set_next_cursor(std::move(cursor));
  ASSIGN_OR_RETURN(Statement select,
                   connection.Prepare("SELECT page FROM plan_digests WHERE"
                                      " job = ? ORDER BY number"));
  select.Bind(job);
  RETURN_IF_ERROR(
      ForEach<pb::PlanResponse>(select, [&](const pb::PlanResponse& page) {
        plan->mutable_page()->mutable_digests()->MergeFrom(page.digests());
        return absl::OkStatus();
      }));
  return plan;
}

absl::Status PutBatch(Connection& connection, absl::string_view job,
                      const pb::JournalBatch& batch) {
  ASSIGN_OR_RETURN(
      Statement insert,
      connection.Prepare("INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?)"));
  ASSIGN_OR_RETURN(const std::string bytes, Serialize(batch));
  return insert.Bind(job)
      .Bind(batch.split().number())
      .Bind(int64_t{batch.committed()})
      .BindSealed(bytes)
      .Execute();
}

absl::StatusOr<pb::JournalBatch> GetBatch(Connection& connection,
                                          absl::string_view job,
                                          int64_t number) {
  ASSIGN_OR_RETURN(
      Statement select,
      connection.Prepare(
          "SELECT batch FROM batches WHERE job = ? AND number = ?"));
  ASSIGN_OR_RETURN(const bool found, select.Bind(job).Bind(number).Next());
  if (!found) return JournalDamaged("a batch that was dispatched is missing");
  ASSIGN_OR_RETURN(pb::JournalBatch batch,
                   select.SealedMessage<pb::JournalBatch>(0));
  RETURN_IF_ERROR(CheckNumber(batch, number));
  return batch;
}

absl::StatusOr<int64_t> Count(Connection& connection, absl::string_view job,
                              absl::string_view condition) {
  ASSIGN_OR_RETURN(
      Statement select,
      connection.Prepare(absl::StrCat(
          "SELECT count(*) FROM batches WHERE job = ?", condition)));
  RETURN_IF_ERROR(select.Bind(job).Execute());
  return select.Int(0);
}

}  // namespace

google::protobuf::Timestamp TimestampOf(absl::Time time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(
      absl::ToUnixNanos(time));
}

absl::Status Journal::AddPage(absl::string_view job,
                              const pb::PlanResponse& page) {
  return database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<pb::PlannedInput> before,
                     PlanRow(connection, job));
    ASSIGN_OR_RETURN(const std::string cursor, CursorOf(connection, job));
    pb::PlannedInput plan;
    *plan.mutable_page() = page;
    plan.mutable_page()->clear_splits();
    plan.mutable_page()->clear_digests();
    plan.mutable_page()->clear_next_cursor();
    if (before.has_value()) {
      *plan.mutable_page()->mutable_digests() = before->page().digests();
      plan.set_splits(before->splits());
    }
    RETURN_IF_ERROR(PutCursor(connection, job, cursor, page.next_cursor()));
    RETURN_IF_ERROR(PutDigests(connection, job, page));
    for (const pb::Split& split : page.splits()) {
      if (split.number() != plan.splits())
        return absl::InternalError(absl::StrCat("the loader numbered split ",
                                                plan.splits(), " as ",
                                                split.number()));
      plan.set_splits(plan.splits() + 1);
      pb::JournalBatch batch;
      *batch.mutable_split() = split;
      RETURN_IF_ERROR(PutBatch(connection, job, batch));
    }
    ASSIGN_OR_RETURN(
        Statement insert,
        connection.Prepare("INSERT OR REPLACE INTO plans VALUES (?, ?)"));
    ASSIGN_OR_RETURN(const std::string bytes, Serialize(plan));
    return insert.Bind(job).BindSealed(bytes).Execute();
  });
}

absl::StatusOr<std::optional<pb::PlannedInput>> Journal::Planned(
    absl::string_view job) const {
  std::optional<pb::PlannedInput> plan;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(plan, PlanOf(connection, job));
    if (!plan.has_value()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const int64_t recorded, Count(connection, job, ""));
    return recorded == plan->splits()
               ? absl::OkStatus()
               : JournalDamaged("batches of the plan are missing");
  }));
  return plan;
}

absl::StatusOr<std::vector<pb::Split>> Journal::Splits(absl::string_view job,
                                                       int64_t first) const {
  std::vector<pb::Split> splits;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT batch FROM batches WHERE job = ? AND"
                           " number >= ? ORDER BY number"));
    select.Bind(job).Bind(first);
    return ForEach<pb::JournalBatch>(select, [&](pb::JournalBatch batch) {
      RETURN_IF_ERROR(
          CheckNumber(batch, first + static_cast<int64_t>(splits.size())));
      splits.push_back(std::move(*batch.mutable_split()));
      return absl::OkStatus();
    });
  }));
  return splits;
}

absl::Status Journal::Commit(absl::string_view job,
                             const std::vector<pb::JournalBatch>& batches) {
  return database_->Run([&](Connection& connection) -> absl::Status {
    for (const pb::JournalBatch& batch : batches) {
      ASSIGN_OR_RETURN(const pb::JournalBatch planned,
                       GetBatch(connection, job, batch.split().number()));
      pb::JournalBatch committed = batch;
      *committed.mutable_split() = planned.split();
      committed.set_committed(true);
      committed.set_epoch(epoch_);
      RETURN_IF_ERROR(PutBatch(connection, job, committed));
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<pb::JournalBatch>> Journal::Committed(
    absl::string_view job) const {
  std::vector<pb::JournalBatch> batches;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT batch FROM batches WHERE job = ? AND"
                           " committed = 1 ORDER BY number"));
    select.Bind(job);
    return ForEach<pb::JournalBatch>(select, [&](pb::JournalBatch batch) {
      const auto next = static_cast<int64_t>(batches.size());
      if (batch.committed() && batch.split().number() == next)
        batches.push_back(std::move(batch));
      return absl::OkStatus();
    });
  }));
  return batches;
}

absl::Status Journal::Uncommit(absl::string_view job, int64_t first) {
  return database_->Run([&](Connection& connection) -> absl::Status {
    std::vector<pb::JournalBatch> again;
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT batch FROM batches WHERE job = ? AND"
                           " committed = 1 AND number >= ?"));
    select.Bind(job).Bind(first);
    RETURN_IF_ERROR(
        ForEach<pb::JournalBatch>(select, [&](pb::JournalBatch batch) {
          *again.emplace_back().mutable_split() = batch.split();
          return absl::OkStatus();
        }));
    for (const pb::JournalBatch& batch : again)
      RETURN_IF_ERROR(PutBatch(connection, job, batch));
    return absl::OkStatus();
  });
}

absl::Status Journal::FinishStep(absl::string_view job, absl::string_view step,
                                 const pb::FinishedStep& content) {
  return database_->Run([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(UseArtifacts(connection, job, step, content));
    ASSIGN_OR_RETURN(
        Statement insert,
        connection.Prepare("INSERT OR REPLACE INTO steps VALUES (?, ?, ?)"));
    ASSIGN_OR_RETURN(const std::string bytes, Serialize(content));
    return insert.Bind(job).Bind(step).BindSealed(bytes).Execute();
  });
}

absl::StatusOr<std::optional<pb::FinishedStep>> Journal::Step(
    absl::string_view job, absl::string_view step) const {
  std::optional<pb::FinishedStep> content;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select,
                     connection.Prepare("SELECT content FROM steps WHERE"
                                        " job = ? AND step = ?"));
    ASSIGN_OR_RETURN(const bool found, select.Bind(job).Bind(step).Next());
    if (!found) return absl::OkStatus();
    ASSIGN_OR_RETURN(content, select.SealedMessage<pb::FinishedStep>(0));
    return absl::OkStatus();
  }));
  return content;
}

absl::Status Journal::AddEvent(absl::string_view job, absl::Time time,
                               absl::string_view kind,
                               absl::string_view message) {
  pb::JournalEvent event;
  *event.mutable_time() = TimestampOf(time);
  event.set_epoch(epoch_);
  event.set_kind(std::string(kind));
  event.set_message(std::string(message));
  return database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement insert,
        connection.Prepare("INSERT INTO events (job, event) VALUES (?, ?)"));
    ASSIGN_OR_RETURN(const std::string bytes, Serialize(event));
    RETURN_IF_ERROR(insert.Bind(job).BindSealed(bytes).Execute());
    ASSIGN_OR_RETURN(
        Statement remove,
        connection.Prepare("DELETE FROM events WHERE job = ?1 AND number <="
                           " (SELECT number FROM events WHERE job = ?1"
                           " ORDER BY number DESC LIMIT 1 OFFSET ?2)"));
    return remove.Bind(job).Bind(kKeptEvents).Execute();
  });
}

absl::StatusOr<pb::Journal> Journal::Show(
    const pb::GetJournalRequest& request) const {
  int64_t first = 0;
  if (!request.page_token().empty() &&
      !absl::SimpleAtoi(request.page_token(), &first))
    return BadSpec("page_token", "is not one that GetJournal returned");
  const int64_t page_size = PageSize(request.page_size());
  pb::Journal journal;
  journal.set_epoch(epoch_);
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t planned,
                     Count(connection, request.id(), ""));
    journal.set_planned_batches(planned);
    ASSIGN_OR_RETURN(const int64_t committed,
                     Count(connection, request.id(), " AND committed = 1"));
    journal.set_committed_batches(committed);
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT batch FROM batches WHERE job = ? AND"
                           " number >= ? ORDER BY number LIMIT ?"));
    select.Bind(request.id()).Bind(first).Bind(page_size);
    RETURN_IF_ERROR(
        ForEach<pb::JournalBatch>(select, [&](pb::JournalBatch batch) {
          *journal.add_batches() = std::move(batch);
          return absl::OkStatus();
        }));
    if (first + page_size < planned)
      journal.set_next_page_token(absl::StrCat(first + page_size));
    if (first > 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(Statement events,
                     connection.Prepare("SELECT event FROM events WHERE"
                                        " job = ? ORDER BY number"));
    events.Bind(request.id());
    return ForEach<pb::JournalEvent>(events, [&](pb::JournalEvent event) {
      *journal.add_events() = std::move(event);
      return absl::OkStatus();
    });
  }));
  return journal;
}

absl::Status Journal::ForgetSteps(absl::string_view job) {
  return database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Statement remove,
                     connection.Prepare("DELETE FROM steps WHERE job = ?"));
    RETURN_IF_ERROR(ReleaseArtifacts(connection, job));
    return remove.Bind(job).Execute();
  });
}

}  // namespace troupe
