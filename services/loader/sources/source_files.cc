#include "services/loader/sources/source_files.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::loader {
namespace {

constexpr size_t kSkipBytes = 1 << 20;

std::string KeyOf(const pb::FileIdentity& identity,
                  pb::Compression compression) {
  return absl::StrCat(identity.bytes(), "/", identity.modified_ns(), "/",
                      identity.inode(), "/", static_cast<int>(compression), "/",
                      identity.path());
}

bool SameFile(const pb::FileIdentity& a, const pb::FileIdentity& b) {
  return a.bytes() == b.bytes() && a.modified_ns() == b.modified_ns() &&
         a.inode() == b.inode();
}

// Moves the reader forward to `offset`.
absl::Status SkipTo(int64_t offset, const Context& context,
                    TextReader* reader) {
  while (reader->position() < offset) {
    if (context.cancelled()) return CallerLeft();
    RETURN_IF_ERROR(reader->Fill(kSkipBytes));
    if (reader->window().empty()) return InputChanged(reader->name());
    reader->Discard(std::min(reader->window().size(),
                             static_cast<size_t>(offset - reader->position())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<pb::FileIdentity>> SourceFiles::Identify(
    absl::string_view path) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, roots_.Expand(path));
  std::vector<pb::FileIdentity> identities;
  for (const std::string& file : paths) {
    ASSIGN_OR_RETURN(OpenedFile opened, roots_.OpenFile(file));
    identities.push_back(std::move(opened.identity));
  }
  return identities;
}

absl::Status SourceFiles::Verify(const pb::FileIdentity& identity) const {
  ASSIGN_OR_RETURN(const OpenedFile file, roots_.OpenFile(identity.path()));
  return SameFile(file.identity, identity) ? absl::OkStatus()
                                           : InputChanged(identity.path());
}

absl::StatusOr<std::unique_ptr<TextReader>> SourceFiles::Open(
    const pb::FileIdentity& identity, pb::Compression compression,
    int64_t offset, const Context& context) {
  // Opened even where an idle reader exists: the file may have changed.
  ASSIGN_OR_RETURN(OpenedFile file, roots_.OpenFile(identity.path()));
  if (!SameFile(file.identity, identity)) return InputChanged(identity.path());
  const bool seekable = compression == pb::NONE;
  std::unique_ptr<TextReader> reader;
  if (!seekable) reader = TakeIdle(KeyOf(identity, compression), offset);
  if (reader == nullptr)
    reader = std::make_unique<TextReader>(
        OpenTextStream(std::move(file.descriptor), compression, identity.path(),
                       offset),
        identity.path(), seekable ? offset : 0, max_inflation_);
  RETURN_IF_ERROR(SkipTo(offset, context, reader.get()));
  return reader;
}

std::unique_ptr<TextReader> SourceFiles::TakeIdle(const std::string& key,
                                                  int64_t offset) {
  MutexLock lock(&mutex_);
  auto best = idle_.end();
  for (auto it = idle_.begin(); it != idle_.end(); ++it)
    if (it->key == key && it->reader->position() <= offset &&
        (best == idle_.end() ||
         it->reader->position() > best->reader->position()))
      best = it;
  if (best == idle_.end()) {
    ++inflations_begun_;
    return nullptr;
  }
  std::unique_ptr<TextReader> reader = std::move(best->reader);
  idle_.erase(best);
  return reader;
}

void SourceFiles::GiveBack(const pb::FileIdentity& identity,
                           pb::Compression compression,
                           std::unique_ptr<TextReader> reader) {
  if (compression == pb::NONE) return;
  reader->SetEncoding(pb::UTF_8);
  MutexLock lock(&mutex_);
  idle_.push_front({KeyOf(identity, compression), std::move(reader)});
  if (idle_.size() > kMaxIdleReaders) idle_.pop_back();
}

int64_t SourceFiles::inflations_begun() const {
  MutexLock lock(&mutex_);
  return inflations_begun_;
}

}  // namespace troupe::loader
