// troupe journal: what the coordinator would go on from after a restart.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "client/cli/commands/commands.h"
#include "client/cli/options.h"
#include "client/cli/text_format.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kJournalExamples[] =
    "  troupe journal 20261123-7f3a\n"
    "  troupe journal 20261123-7f3a --batches 100000 --json\n";

std::vector<std::string> Line(const pb::JournalBatch& batch) {
  std::vector<std::string> line = {
      absl::StrCat(batch.split().number()),
      Printable(batch.split().file(), 40),
      absl::StrCat(batch.split().offset()),
      absl::StrCat(batch.split().bytes()),
      absl::StrCat(batch.split().rows()),
      absl::StrFormat("%08x", batch.split().crc32c()),
  };
  if (!batch.committed()) {
    line.insert(line.end(), {"planned", "-", "-", "-", "-"});
    return line;
  }
  line.insert(
      line.end(),
      {"committed",
       absl::StrFormat("%05d:%d-%d", batch.part(), batch.part_begin(),
                       batch.part_end()),
       absl::StrFormat("%08x", batch.part_crc32c()),
       absl::StrCat(batch.rows_rejected()), absl::StrCat(batch.epoch())});
  return line;
}

std::string EventLine(const pb::JournalEvent& event) {
  const std::string when =
      absl::FormatTime("%Y-%m-%d %H:%M:%E3S",
                       absl::FromUnixSeconds(event.time().seconds()) +
                           absl::Nanoseconds(event.time().nanos()),
                       absl::LocalTimeZone());
  return absl::StrCat(when, "  epoch ", event.epoch(), "  ",
                      Printable(event.kind()), "  ", Printable(event.message()),
                      "\n");
}

void Print(Session& session, const pb::Journal& journal) {
  for (const pb::JournalEvent& event : journal.events())
    session.out << EventLine(event);
  session.out << journal.committed_batches() << " of "
              << journal.planned_batches() << " batches committed\n";
  if (journal.batches_size() == 0) return;
  std::vector<std::vector<std::string>> rows = {
      {"batch", "file", "offset", "bytes", "rows", "crc32c", "state",
       "part:bytes", "crc32c", "rejected", "epoch"}};
  for (const pb::JournalBatch& batch : journal.batches())
    rows.push_back(Line(batch));
  session.out << AlignedTable(rows, session.style);
}

absl::StatusOr<ExitCode> ShowJournal(Session& session, const std::string& id,
                                     int64_t batches) {
  pb::GetJournalRequest request;
  request.set_id(id);
  pb::Journal whole;
  do {
    request.set_page_size(static_cast<int32_t>(
        std::min<int64_t>(1000, batches - whole.batches_size())));
    ASSIGN_OR_RETURN(const pb::Journal page,
                     session.client().GetJournal(request));
    const std::string next = page.next_page_token();
    if (whole.batches_size() == 0) {
      whole = page;
    } else {
      whole.mutable_batches()->MergeFrom(page.batches());
    }
    request.set_page_token(next);
  } while (!request.page_token().empty() && whole.batches_size() < batches);
  whole.set_next_page_token(request.page_token());
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(whole));
  } else {
    Print(session, whole);
  }
  return kDone;
}

}  // namespace

void AddJournal(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "journal",
      "Shows what a job would go on from after a restart", kJournalExamples);
  auto id = std::make_shared<std::string>();
  auto batches = std::make_shared<int64_t>(100);
  command->add_option("job", *id, "as `troupe jobs` shows it")
      ->required()
      ->type_name("JOB");
  command->add_option("--batches", *batches, "how many at most")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}))
      ->capture_default_str();
  command->callback([&session, id, batches] {
    session.command = [&session, id, batches] {
      return ShowJournal(session, *id, *batches);
    };
  });
}

}  // namespace troupe
