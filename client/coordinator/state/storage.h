// How the coordinator writes to disk: what a failure there means, and what is
// durable when.
//
// A failed sync is never tried again: the kernel may have dropped the pages
// that it could not write, and a second sync would then say that all is well.
// So the process ends; what the journal holds is true, and the next start goes
// on from there.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace troupe {

// Why a long step must not go on; OK while it may. Asked at every MiB.
using MayGoOn = std::function<absl::Status()>;

// The exit code after a failed sync (EX_IOERR of sysexits.h).
inline constexpr int kExitAfterFailedSync = 74;

// What `error` (an errno) means, such as "cannot write \"PATH\": ...":
// RESOURCE_EXHAUSTED (DISK_FULL), which the user can mend, or INTERNAL
// (STORAGE_FAILED).
absl::Status StorageError(int error, absl::string_view doing,
                          const std::string& path);

// The same when a library only said what it said.
absl::Status DiskFull(absl::string_view message);

// Appends `bytes` to the file. DISK_FULL or STORAGE_FAILED.
absl::Status WriteAll(int fd, absl::string_view bytes, const std::string& path);
// The same of pieces that follow each other.
absl::Status WriteAll(int fd, absl::Span<const absl::string_view> pieces,
                      const std::string& path);

// Lets the disk begin with what was written from `offset` on, so that a later
// SyncFile waits for less. Only a hint: nothing is durable by it.
void BeginWriting(int fd, int64_t offset);

// Makes the file's content and size durable. Ends the process on failure.
void SyncFile(int fd, const std::string& path);

// Makes the names in `directory` durable. STORAGE_FAILED when it cannot be
// opened; ends the process when it cannot be synced.
absl::Status SyncDirectory(const std::string& directory);

// Makes `directory`, and those above it that are missing, with the permissions
// `mode`, each durable in the one above it: also one that is there already,
// since who made it may have died before. STORAGE_FAILED or DISK_FULL.
absl::Status MakeDirectory(const std::string& directory, mode_t mode = 0700);

// The permissions of a directory whose files have `mode`: who may read them may
// also find them.
mode_t DirectoryMode(mode_t mode);

// Logs, and ends the process.
[[noreturn]] void EndAfterFailedSync(const std::string& path,
                                     absl::string_view why);

}  // namespace troupe
