#include "client/coordinator/state/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/state/schema.h"
#include "client/coordinator/state/storage.h"
#include "services/base/crc32c.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// Left out only in the build that shows that the fault tests would notice.
#ifdef TROUPE_FAULT_SKIP_SYNC
constexpr char kSynchronous[] = "PRAGMA synchronous=OFF";
#else
constexpr char kSynchronous[] = "PRAGMA synchronous=FULL";
#endif

constexpr absl::Duration kSleptThrough = absl::Minutes(5);
constexpr int kMostLogPages = 1000;  // Then the log is written back.

// Whether the last call could not write, or not sync, or not say which.
bool WriteFailed(sqlite3* handle) {
  if (sqlite3_errcode(handle) != SQLITE_IOERR) return false;
  const int why = sqlite3_extended_errcode(handle);
  return why != SQLITE_IOERR_READ && why != SQLITE_IOERR_SHORT_READ &&
         why != SQLITE_IOERR_NOMEM;
}

// SQLite would let others read it, as the process's mask allows.
void MakePrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

// Lets the next read of the file come from the disk. Closing a file drops
// SQLite's locks on it, so none may be open.
void DropCached(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

absl::Status SqliteError(sqlite3* handle, absl::string_view doing) {
  const std::string message =
      absl::StrCat("state database: ", doing, ": ", sqlite3_errmsg(handle));
  switch (sqlite3_errcode(handle)) {
    case SQLITE_FULL:
      return DiskFull(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return JournalDamaged(message);
    default:
      return MakeError(absl::StatusCode::kInternal, "STORAGE_FAILED", message);
  }
}

// Takes the directory's lock, or says who may not.
absl::StatusOr<int> LockDirectory(const std::string& state_dir) {
  const std::string path = state_dir + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return absl::UnavailableError(
        absl::StrCat("cannot open \"", path, "\": ", std::strerror(errno)));
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return MakeError(absl::StatusCode::kFailedPrecondition, "STATE_DIR_IN_USE",
                   absl::StrCat("another coordinator works in \"", state_dir,
                                "\"; stop it, or give --state_dir another "
                                "directory"));
}

bool HasContent(const std::string& path) {
  std::error_code error;
  return std::filesystem::file_size(path, error) > 0 && !error;
}

// Four bytes before a sealed value.
std::string SealOf(absl::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  std::string seal(4, '\0');
  for (size_t i = 0; i < seal.size(); ++i)
    seal[i] = static_cast<char>(crc >> (8 * i));
  return seal;
}

}  // namespace

absl::Status JournalDamaged(absl::string_view what) {
  return MakeError(
      absl::StatusCode::kDataLoss, "JOURNAL_DAMAGED",
      absl::StrCat("the state database is damaged: ", what,
                   "; restore --state_dir from a backup, or start with "
                   "another one"));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)),
      bound_(other.bound_) {}

Statement& Statement::Bind(int64_t value) {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

Statement& Statement::Bind(absl::string_view text) {
  sqlite3_bind_text64(statement_, ++bound_, text.data() ? text.data() : "",
                      text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBytes(absl::string_view bytes) {
  sqlite3_bind_blob64(statement_, ++bound_, bytes.data() ? bytes.data() : "",
                      bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::BindSealed(absl::string_view bytes) {
  return BindBytes(absl::StrCat(SealOf(bytes), bytes));
}

absl::StatusOr<bool> Statement::Next() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return SqliteError(sqlite3_db_handle(statement_), "step");
  }
}

absl::Status Statement::Execute() { return Next().status(); }

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr || size <= 0) return "";
  return std::string(static_cast<const char*>(bytes),
                     static_cast<size_t>(size));
}

absl::StatusOr<std::string> Statement::Sealed(int column) const {
  std::string bytes = Bytes(column);
  if (bytes.size() < 4) return JournalDamaged("an entry is too short");
  const std::string content = bytes.substr(4);
  if (bytes.compare(0, 4, SealOf(content)) != 0)
    return JournalDamaged("an entry's checksum is wrong");
  return content;
}

absl::StatusOr<Statement> Connection::Prepare(absl::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()),
                         &statement, nullptr) != SQLITE_OK)
    return SqliteError(handle_, "prepare");
  return Statement(statement);
}

absl::Status Connection::Execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) !=
      SQLITE_OK)
    return SqliteError(handle_, "execute");
  return absl::OkStatus();
}

int64_t Connection::changes() const { return sqlite3_changes(handle_); }

int64_t Connection::total_changes() const {
  return sqlite3_total_changes(handle_);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(
    const std::string& state_dir, Trust trust, const Clock* clock) {
  RETURN_IF_ERROR(MakeDirectory(state_dir));
  ASSIGN_OR_RETURN(const int lock, LockDirectory(state_dir));
  std::unique_ptr<Database> database(new Database(state_dir, lock, clock));
  RETURN_IF_ERROR(database->OpenMarked(trust));
  return database;
}

absl::Status Database::OpenFile(const std::string& path, bool make) {
  if (make) MakePrivateFile(path);
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX |
                          (make ? SQLITE_OPEN_CREATE : 0),
                      nullptr);
  if (opened != SQLITE_OK) return SqliteError(handle_, "open");
  sqlite3_wal_hook(
      handle_,
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      &log_pages_);
  // One that is refused must leave the log as it is.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // The exclusive mode must come before WAL, so that no shared memory is used.
  return Connection(handle_).Execute(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA foreign_keys=ON;");
}

absl::Status Database::OpenMarked(Trust trust) {
  const std::string& state_dir = directory_;
  const bool anything = trust == Trust::kAnything;
  const std::string path = state_dir + "/troupe.db";
  absl::StatusOr<std::optional<Mark>> before = StoreMark::Read(state_dir);
  if (!before.ok() && anything) before = std::nullopt;
  RETURN_IF_ERROR(before.status());
  const bool bare = !before->has_value() && !HasJobFiles(state_dir);
  if (!anything && !bare && !HasContent(path))
    return DatabaseMissing(state_dir);
  RETURN_IF_ERROR(OpenFile(path, /*make=*/anything || bare));
  ASSIGN_OR_RETURN(const int64_t version, SchemaVersion(*this));
  if (!anything && !bare && version == 0) return DatabaseMissing(state_dir);
  ASSIGN_OR_RETURN(const std::optional<Mark> found, MarkInDatabase(*this));
  if (!anything && !bare) RETURN_IF_ERROR(CheckMark(state_dir, *before, found));
  RETURN_IF_ERROR(EmptyLog(path));
  RETURN_IF_ERROR(UpgradeSchema(*this));
  RETURN_IF_ERROR(LetShrink());
  return KeepMark(*before);
}

absl::Status Database::EmptyLog(const std::string& path) {
  const std::string log_mode =
      absl::StrCat("PRAGMA journal_mode=WAL;", kSynchronous);
  RETURN_IF_ERROR(Connection(handle_).Execute(log_mode));
  if (sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                nullptr, nullptr) != SQLITE_OK)
    return SqliteError(handle_, "empty the log");
  sqlite3_close_v2(handle_);
  DropCached(path);
  RETURN_IF_ERROR(OpenFile(path, /*make=*/false));
  return Connection(handle_).Execute(log_mode);
}

// Only a file that is written anew learns to give back pages.
absl::Status Database::LetShrink() {
  constexpr int64_t kIncremental = 2;
  {
    ASSIGN_OR_RETURN(Statement select,
                     Connection(handle_).Prepare("PRAGMA auto_vacuum"));
    RETURN_IF_ERROR(select.Execute());
    if (select.Int(0) == kIncremental) return absl::OkStatus();
  }
  return Connection(handle_).Execute("PRAGMA auto_vacuum=INCREMENTAL; VACUUM");
}

// From here on, the mark follows the database.
absl::Status Database::KeepMark(const std::optional<Mark>& before) {
  ASSIGN_OR_RETURN(const std::optional<Mark> now, MarkInDatabase(*this));
  int64_t lived_seconds = 0;
  RETURN_IF_ERROR(Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select,
                     connection.Prepare("SELECT lived FROM store"));
    RETURN_IF_ERROR(select.Execute());
    lived_seconds = select.Int(0);
    return absl::OkStatus();
  }));
  if (!now.has_value()) return JournalDamaged("the store has no id");
  Mark mark = *now;
  // Behind only where anything is taken: no number is given twice.
  if (before.has_value())
    mark.sequence = std::max(mark.sequence, before->sequence);
  ASSIGN_OR_RETURN(std::unique_ptr<StoreMark> file,
                   StoreMark::Open(directory_, mark));
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  {
    MutexLock lock(&mutex_);
    mark_ = std::move(file);
    sequence_ = mark.sequence;
    lived_ = absl::Seconds(lived_seconds);
  }
  if (now->sequence == mark.sequence) return absl::OkStatus();
  return Run([](Connection& connection) {
    return connection.Execute("UPDATE store SET sequence = sequence");
  });
}

Database::~Database() {
  sqlite3_close_v2(handle_);
  close(lock_);
}

absl::Duration Database::Live() {
  const absl::Duration now = clock_->Monotonic();
  lived_ += std::min(now - seen_, kSleptThrough);
  seen_ = now;
  return lived_;
}

absl::Duration Database::Lived() {
  MutexLock lock(&mutex_);
  return Live();
}

absl::Status Database::CopyTo(const std::string& path) {
  constexpr int kPages = 256;  // At once: a megabyte.
  MakePrivateFile(path);
  sqlite3* copy = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &copy, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closer(copy,
                                                           sqlite3_close_v2);
  if (opened != SQLITE_OK) return SqliteError(copy, "open a copy");
  sqlite3_backup* backup = nullptr;
  {
    MutexLock lock(&mutex_);
    backup = sqlite3_backup_init(copy, "main", handle_, "main");
  }
  if (backup == nullptr) return SqliteError(copy, "begin a copy");
  // What is written meanwhile, on the same connection, goes to the copy, too.
  int step = SQLITE_OK;
  while (step == SQLITE_OK || step == SQLITE_BUSY || step == SQLITE_LOCKED) {
    MutexLock lock(&mutex_);
    step = sqlite3_backup_step(backup, kPages);
  }
  MutexLock lock(&mutex_);
  if (sqlite3_backup_finish(backup) == SQLITE_OK && step == SQLITE_DONE)
    return absl::OkStatus();
  return SqliteError(copy, "copy");
}

absl::Status Database::Shrink() {
  constexpr int64_t kPages = 256;  // At once: a megabyte.
  int64_t before = INT64_MAX;
  while (true) {
    int64_t free_pages = 0;
    RETURN_IF_ERROR(Run([&](Connection& connection) -> absl::Status {
      ASSIGN_OR_RETURN(Statement select,
                       connection.Prepare("PRAGMA freelist_count"));
      RETURN_IF_ERROR(select.Execute());
      free_pages = select.Int(0);
      if (free_pages < kPages || free_pages >= before) return absl::OkStatus();
      return connection.Execute(
          absl::StrCat("PRAGMA incremental_vacuum(", kPages, ")"));
    }));
    if (free_pages < kPages || free_pages >= before) return absl::OkStatus();
    before = free_pages;
  }
}

absl::Status Database::RecordLived() {
  return Run([](Connection& connection) {
    return connection.Execute("UPDATE store SET lived = lived");
  });
}

absl::Status Database::Run(
    const std::function<absl::Status(Connection&)>& body) {
  MutexLock lock(&mutex_);
  Connection connection(handle_);
  RETURN_IF_ERROR(connection.Execute("BEGIN IMMEDIATE"));
  const int64_t before = connection.total_changes();
  absl::Status done = body(connection);
  const bool marked = mark_ != nullptr && connection.total_changes() != before;
  if (done.ok() && marked)
    done = connection.Execute(
        absl::StrCat("UPDATE store SET sequence = ", sequence_ + 1,
                     ", lived = ", absl::ToInt64Seconds(Live())));
  return Finish(connection, std::move(done), marked);
}

absl::Status Database::Finish(Connection& connection, absl::Status done,
                              bool marked) {
  if (done.ok()) done = connection.Execute("COMMIT");
  if (WriteFailed(handle_)) EndAfterFailedSync("troupe.db", done.message());
  if (!done.ok()) {
    connection.Execute("ROLLBACK").IgnoreError();
    return done;
  }
  if (marked) mark_->Write(++sequence_);
  if (log_pages_ < kMostLogPages) return done;
  log_pages_ = 0;
  // A full disk leaves the log to grow on; it is tried again.
  sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE,
                            nullptr, nullptr);
  if (WriteFailed(handle_))
    EndAfterFailedSync("troupe.db", sqlite3_errmsg(handle_));
  return done;
}

}  // namespace troupe
