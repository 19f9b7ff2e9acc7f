#include "client/coordinator/state/store_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/coordinator/state/database.h"
#include "client/coordinator/state/storage.h"
#include "services/base/crc32c.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr size_t kSlotBytes = 4096;  // A torn write reaches one only.
constexpr size_t kSlots = 2;

std::string SlotText(const Mark& mark) {
  const std::string text =
      absl::StrFormat("troupe-store 1 %s %020d ", mark.id, mark.sequence);
  return absl::StrFormat("%s%08x\n", text, Crc32c(text));
}

std::optional<Mark> ReadSlot(absl::string_view slot) {
  const size_t end = slot.find('\n');
  if (end == absl::string_view::npos) return std::nullopt;
  const std::vector<std::string> words =
      absl::StrSplit(slot.substr(0, end), ' ');
  Mark mark;
  if (words.size() != 5 || !absl::SimpleAtoi(words[3], &mark.sequence))
    return std::nullopt;
  mark.id = words[2];
  if (SlotText(mark) != slot.substr(0, end + 1)) return std::nullopt;
  return mark;
}

constexpr char kWhatToDo[] =
    "; put back the one that belongs here or a backup of the whole directory, "
    "or give another --state_dir; --accept_state goes on with what is there, "
    "and moves what the database does not know to lost+found";

absl::Status Refused(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason,
                   absl::StrCat(message, kWhatToDo, " (", reason, ")"));
}

}  // namespace

absl::Status DatabaseMissing(const std::string& state_dir) {
  return Refused("DATABASE_MISSING",
                 absl::StrCat("\"", state_dir,
                              "\" holds files of jobs and no state database "
                              "(troupe.db), or an empty one"));
}

bool HasJobFiles(const std::string& state_dir) {
  std::error_code error;
  for (const char* name : {"/output", "/artifacts", "/uploads"})
    if (const std::filesystem::directory_iterator found(state_dir + name,
                                                        error);
        !error && found != std::filesystem::directory_iterator())
      return true;
  return false;
}

absl::Status CheckMark(const std::string& state_dir,
                       const std::optional<Mark>& before,
                       const std::optional<Mark>& found) {
  if (!before.has_value()) {
    // From before there were marks, or made just now.
    if (!found.has_value() || found->sequence == 0) return absl::OkStatus();
    return Refused("DATABASE_FOREIGN",
                   absl::StrCat("nothing says that the state database belongs "
                                "to the files in \"",
                                state_dir, "\": ", kStoreMark, " is missing"));
  }
  if (found.has_value() && found->id != before->id)
    return Refused("DATABASE_FOREIGN",
                   absl::StrCat("the state database in \"", state_dir,
                                "\" is another directory's: its store is ",
                                found->id, ", the files' ", before->id));
  const int64_t sequence = found.has_value() ? found->sequence : 0;
  if (sequence >= before->sequence) return absl::OkStatus();
  return Refused(
      "DATABASE_BEHIND",
      absl::StrCat(
          "the state database in \"", state_dir, "\" lacks ",
          before->sequence - sequence,
          " of the commits that were acknowledged: it is an older one, or the "
          "end of troupe.db-wal is damaged"));
}

absl::StatusOr<std::optional<Mark>> StoreMark::Read(
    const std::string& state_dir) {
  const std::string path = state_dir + "/" + kStoreMark;
  if (!std::filesystem::exists(path)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  const std::string text = bytes.str();
  std::optional<Mark> newest;
  for (size_t at = 0; at < text.size(); at += kSlotBytes) {
    const std::optional<Mark> mark =
        ReadSlot(absl::string_view(text).substr(at, kSlotBytes));
    if (mark.has_value() && (!newest || mark->sequence > newest->sequence))
      newest = mark;
  }
  if (!newest.has_value())
    return JournalDamaged(absl::StrCat("\"", path, "\" cannot be read"));
  return newest;
}

absl::StatusOr<std::unique_ptr<StoreMark>> StoreMark::Open(
    const std::string& state_dir, const Mark& mark) {
  const std::string path = state_dir + "/" + kStoreMark;
  const std::string temporary = path + ".tmp";
  const int fd =
      open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return StorageError(errno, "make", temporary);
  std::unique_ptr<StoreMark> file(new StoreMark(path, mark.id, fd));
  std::string slot = SlotText(mark);
  slot.resize(kSlotBytes);
  for (size_t i = 0; i < kSlots; ++i)
    RETURN_IF_ERROR(WriteAll(fd, slot, temporary));
  SyncFile(fd, temporary);
  if (rename(temporary.c_str(), path.c_str()) != 0)
    return StorageError(errno, "rename to", path);
  RETURN_IF_ERROR(SyncDirectory(state_dir));
  return file;
}

StoreMark::~StoreMark() { close(fd_); }

void StoreMark::Write(int64_t sequence) {
  const std::string text = SlotText({id_, sequence});
  const auto slot =
      static_cast<off_t>(static_cast<size_t>(sequence) % kSlots * kSlotBytes);
  ssize_t written = -1;
  do {
    written = pwrite(fd_, text.data(), text.size(), slot);
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(text.size())) return SyncFile(fd_, path_);
  if (written < 0 && (errno == ENOSPC || errno == EDQUOT)) return;
  EndAfterFailedSync(path_, std::strerror(errno));
}

}  // namespace troupe
