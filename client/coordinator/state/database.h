// A Database is the coordinator's one SQLite connection, on its own state
// directory: jobs, batches, uploads and pipelines are tables in it.
//
// Beside it lies a StoreMark: which database belongs to this directory, and how
// many commits it acknowledged. A database that does not agree is refused.
//
// Each life begins with an empty log: what the last one left in it is brought
// into the database file, and that is read back and checked, before anything
// is acknowledged. So nothing is ever appended behind a hole that a failed
// write left. Nobody but this object writes the log back into the file, since
// SQLite keeps silent where that fails.
//
// One connection, because SQLite before 3.51.3 can lose commits when several
// connections meet at a WAL reset, and because one writer needs no more.
//
// Thread safety: Run may be called from any thread; calls happen one after the
// other. Connection and Statement belong to the call of Run that made them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/coordinator/state/store_mark.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

struct sqlite3;
struct sqlite3_stmt;

namespace troupe {

// DATA_LOSS (JOURNAL_DAMAGED): the state database is not what was written.
absl::Status JournalDamaged(absl::string_view what);

// One prepared statement. Values are bound in the order of their `?`.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  Statement& Bind(int64_t value);
  Statement& Bind(absl::string_view text);
  Statement& BindBytes(absl::string_view bytes);
  // Bytes with a checksum, which SQLite's pages do not have.
  Statement& BindSealed(absl::string_view bytes);

  // Moves to the next row; false after the last.
  absl::StatusOr<bool> Next();
  // Runs a statement that answers no rows.
  absl::Status Execute();

  // Values of the row at hand; columns count from 0.
  int64_t Int(int column) const;
  std::string Bytes(int column) const;
  // What BindSealed stored; DATA_LOSS (JOURNAL_DAMAGED) when it has changed.
  absl::StatusOr<std::string> Sealed(int column) const;
  // The message of type T whose bytes BindSealed stored.
  template <typename T>
  absl::StatusOr<T> SealedMessage(int column) const {
    absl::StatusOr<std::string> bytes = Sealed(column);
    if (!bytes.ok()) return bytes.status();
    T message;
    if (!message.ParseFromString(*bytes))
      return JournalDamaged("an entry cannot be read");
    return message;
  }

 private:
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

class Connection {
 public:
  explicit Connection(sqlite3* handle) : handle_(handle) {}

  absl::StatusOr<Statement> Prepare(absl::string_view sql);
  // Runs statements without values, divided by `;`.
  absl::Status Execute(const std::string& sql);
  // Rows changed by the last statement.
  int64_t changes() const;
  // Rows changed since the connection was opened.
  int64_t total_changes() const;

 private:
  sqlite3* const handle_;
};

class Database {
 public:
  // What to do with a database that is not the one that the directory knows.
  enum class Trust {
    kMarked,    // Refuse it.
    kAnything,  // Take it, or a new one where there is none: the user says so.
  };

  // Opens `state_dir`, which is made where it is missing. Returns
  // FAILED_PRECONDITION, at once, and changes nothing:
  // * STATE_DIR_IN_USE: another process has it.
  // * DATABASE_MISSING: there are files of jobs, and no database or an empty
  //   one.
  // * DATABASE_FOREIGN: the database is another directory's.
  // * DATABASE_BEHIND: the last commits that it acknowledged are lost, as when
  //   an older one was put in its place or the end of its log is damaged.
  // DATA_LOSS (JOURNAL_DAMAGED); otherwise what went wrong.
  // `clock` must live as long as the database.
  static absl::StatusOr<std::unique_ptr<Database>> Open(
      const std::string& state_dir, Trust trust = Trust::kMarked,
      const Clock* clock = Clock::Real());
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs `body` as one transaction, durable when this returns OK; undone when
  // `body` or the commit fails. DISK_FULL, JOURNAL_DAMAGED, or what `body`
  // returned. An I/O error in writing ends the process: what is on disk is then
  // unknown, until the next start has read it.
  absl::Status Run(const std::function<absl::Status(Connection&)>& body);

  // For how long there was a coordinator on this directory, over all lives:
  // what is kept for a time is kept for so much of this one, whatever clocks
  // say. Written down with each commit. A step of more than five minutes
  // between two calls of this or of Run was slept through, and counts as five.
  absl::Duration Lived();
  // Writes it down where nothing else is committed.
  absl::Status RecordLived();

  // Copies the database to a new file, as of one instant, durably. Writers come
  // between.
  absl::Status CopyTo(const std::string& path);

  // While one lives, garbage is not removed.
  class Hold {
   public:
    explicit Hold(Database* database) : database_(*database) {
      database_.holds_.fetch_add(1);
    }
    ~Hold() { database_.holds_.fetch_sub(1); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Database& database_;
  };
  bool held() const { return holds_.load() > 0; }

  // Gives the disk what the file has no use for, a piece at a time. Writers
  // come between.
  absl::Status Shrink();

  // The state directory.
  const std::string& directory() const { return directory_; }

 private:
  Database(std::string directory, int lock, const Clock* clock)
      : directory_(std::move(directory)),
        lock_(lock),
        clock_(clock),
        seen_(clock->Monotonic()) {}

  absl::Status OpenFile(const std::string& path, bool make);
  absl::Status OpenMarked(Trust trust);
  absl::Status EmptyLog(const std::string& path);
  absl::Status LetShrink();
  absl::Duration Live() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Finish(Connection& connection, absl::Status done, bool marked)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status KeepMark(const std::optional<Mark>& before);

  const std::string directory_;
  const int lock_;  // File descriptor that holds the flock.
  const Clock* const clock_;
  std::atomic<int> holds_{0};
  Mutex mutex_;
  sqlite3* handle_ = nullptr;  // Used under mutex_ once it is opened.
  int log_pages_ = 0;          // Likewise; set by SQLite.
  // Null while the database is opened.
  std::unique_ptr<StoreMark> mark_ ABSL_GUARDED_BY(mutex_);
  int64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;  // Of the last commit.
  absl::Duration lived_ ABSL_GUARDED_BY(mutex_);  // Until `seen_`.
  absl::Duration seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
