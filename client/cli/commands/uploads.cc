// troupe uploads: the files that were sent and are still there.
#include "absl/strings/str_join.h"
#include "client/cli/commands/commands.h"
#include "client/cli/options.h"
#include "client/cli/text_format.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kUploadsExamples[] =
    "  troupe uploads\n"
    "  troupe uploads --delete 3f0a12bc9d5e\n";

absl::StatusOr<ExitCode> Uploads(Session& session) {
  std::vector<std::vector<std::string>> rows = {
      {"upload", "file", "size", "read by"}};
  pb::ListUploadsRequest request;
  do {
    ASSIGN_OR_RETURN(const pb::ListUploadsResponse page,
                     session.client().ListUploads(request));
    for (const pb::StoredUpload& upload : page.uploads()) {
      if (session.json) RETURN_IF_ERROR(session.PrintJson(upload, true));
      rows.push_back({Printable(upload.id()), Printable(upload.name(), 60),
                      FormatBytes(upload.bytes()),
                      Printable(absl::StrJoin(upload.jobs(), " "), 60)});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (session.json) return kDone;
  if (rows.size() == 1) {
    session.Note("no uploads");
  } else {
    session.out << AlignedTable(rows, session.style);
  }
  return kDone;
}

absl::StatusOr<ExitCode> DeleteUpload(Session& session, const std::string& id) {
  pb::DeleteUploadRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(const pb::DeleteUploadResponse response,
                   session.client().DeleteUpload(request));
  if (session.json) RETURN_IF_ERROR(session.PrintJson(response));
  session.Note(id + " is deleted");
  return kDone;
}

}  // namespace

void AddUploads(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(app, session, "uploads",
                                 "Lists the files that were sent and are kept",
                                 kUploadsExamples);
  auto id = std::make_shared<std::string>();
  command->add_option("--delete", *id, "removes this one")->type_name("UPLOAD");
  command->callback([&session, id] {
    session.command = [&session, id] {
      return id->empty() ? Uploads(session) : DeleteUpload(session, *id);
    };
  });
}

}  // namespace troupe
