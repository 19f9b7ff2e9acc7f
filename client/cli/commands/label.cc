// troupe label: lets a word point to a version of a pipeline.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/commands/commands.h"
#include "client/cli/options.h"
#include "client/cli/text_format.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kLabelExamples[] =
    "  troupe label cancer@3 champion      # cancer@champion is cancer@3 now\n"
    "  troupe label cancer                 # where its labels pointed, and "
    "when\n"
    "  troupe label cancer champion --remove\n";

absl::StatusOr<ExitCode> ShowLabels(Session& session, const std::string& name) {
  pb::ListLabelsRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(const pb::ListLabelsResponse response,
                   session.client().ListLabels(request));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
    return kDone;
  }
  std::vector<std::vector<std::string>> rows = {{"label", "version", "since"}};
  for (const pb::LabelMove& move : response.moves())
    rows.push_back(
        {move.label(),
         move.version() == 0 ? "-" : absl::StrCat(name, "@", move.version()),
         absl::FormatTime("%Y-%m-%d %H:%M:%S",
                          absl::FromUnixSeconds(move.time().seconds()),
                          absl::LocalTimeZone())});
  if (rows.size() == 1)
    session.Note(absl::StrCat("no labels yet; `troupe label ", name,
                              "@N LABEL` makes one"));
  else
    session.out << AlignedTable(rows);
  return kDone;
}

absl::StatusOr<ExitCode> Label(Session& session, const std::string& pipeline,
                               const std::string& label, bool remove) {
  const bool version = pipeline.find('@') != std::string::npos;
  if (label.empty() && !version && !remove)
    return ShowLabels(session, pipeline);
  if (label.empty() || version == remove)
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_USAGE",
                     "say NAME@N LABEL to label a version, NAME LABEL --remove "
                     "to take a label away, or NAME to see all of them");
  pb::SetLabelRequest request;
  request.set_pipeline(pipeline);
  request.set_label(label);
  ASSIGN_OR_RETURN(const pb::SetLabelResponse response,
                   session.client().SetLabel(request));
  if (session.json) RETURN_IF_ERROR(session.PrintJson(response));
  session.Note(remove ? absl::StrCat(label, " of ", pipeline, " is gone")
                      : absl::StrCat(label, " is ", pipeline, " now"));
  return kDone;
}

}  // namespace

void AddLabel(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, session, "label",
                 "Lets a word point to a version of a pipeline: NAME@LABEL",
                 kLabelExamples);
  auto pipeline = std::make_shared<std::string>();
  auto label = std::make_shared<std::string>();
  auto remove = std::make_shared<bool>(false);
  command->add_option("pipeline", *pipeline, "the version; NAME shows labels")
      ->required()
      ->type_name("NAME[@N]");
  command->add_option("label", *label, "a word of a-z, 0-9, - and _")
      ->type_name("LABEL");
  command->add_flag("--remove", *remove, "take the label away");
  command->callback([&session, pipeline, label, remove] {
    session.command = [&session, pipeline, label, remove] {
      return Label(session, *pipeline, *label, *remove);
    };
  });
}

}  // namespace troupe
