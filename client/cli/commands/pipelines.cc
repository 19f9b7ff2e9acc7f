// troupe pipelines and show: what has been trained.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/commands/commands.h"
#include "client/cli/options.h"
#include "client/cli/report_text.h"
#include "client/cli/text_format.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kPipelinesExamples[] =
    "  troupe pipelines              # the newest version of each\n"
    "  troupe pipelines cancer       # all versions of one\n";
constexpr char kShowExamples[] =
    "  troupe show cancer\n"
    "  troupe show cancer@1 --json\n";

// The metric that says most, beside the baseline's: a list has room for one.
std::string Headline(const pb::Report& report) {
  const auto& metrics = report.test().metrics();
  for (const char* name : {"roc_auc", "accuracy", "r2", "rmse", "mae"}) {
    for (const pb::Metric& metric : metrics)
      if (metric.name() == name)
        return absl::StrCat(name, " ", FormatMetric(metric.value()));
  }
  return "";
}

std::vector<std::string> PipelineLine(const pb::Pipeline& pipeline) {
  return {
      absl::StrCat(Printable(pipeline.name()), "@", pipeline.version()),
      absl::FormatTime("%Y-%m-%d %H:%M:%S",
                       absl::FromUnixSeconds(pipeline.create_time().seconds()),
                       absl::LocalTimeZone()),
      FormatCount(pipeline.report().features_size()),
      Headline(pipeline.report()), absl::StrJoin(pipeline.labels(), " ")};
}

absl::StatusOr<ExitCode> Pipelines(Session& session, const std::string& name) {
  pb::ListPipelinesRequest request;
  request.set_name(name);
  std::vector<std::vector<std::string>> rows = {
      {"pipeline", "stored", "features", "test", "labels"}};
  do {
    ASSIGN_OR_RETURN(const pb::ListPipelinesResponse page,
                     session.client().ListPipelines(request));
    for (const pb::Pipeline& pipeline : page.pipelines()) {
      if (session.json) RETURN_IF_ERROR(session.PrintJson(pipeline, true));
      rows.push_back(PipelineLine(pipeline));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (session.json) return kDone;
  if (rows.size() == 1) {
    session.Note("no pipelines yet; `troupe train FILE.yaml` makes one");
  } else {
    session.out << AlignedTable(rows, session.style);
  }
  return kDone;
}

absl::StatusOr<ExitCode> Show(Session& session, const std::string& name) {
  pb::GetPipelineRequest request;
  request.set_pipeline(name);
  ASSIGN_OR_RETURN(const pb::Pipeline pipeline,
                   session.client().GetPipeline(request));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(pipeline));
  } else {
    session.out << PipelineText(pipeline, session.style);
  }
  return kDone;
}

}  // namespace

void AddPipelines(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(app, session, "pipelines",
                                 "Lists trained pipelines", kPipelinesExamples);
  auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "all versions of this one")
      ->type_name("NAME");
  command->callback([&session, name] {
    session.command = [&session, name] { return Pipelines(session, *name); };
  });
}

void AddShow(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "show",
      "Shows a trained pipeline: its file, columns, metrics, importance",
      kShowExamples);
  auto name = std::make_shared<std::string>();
  command
      ->add_option("pipeline", *name,
                   "the newest version of NAME, or version N")
      ->required()
      ->type_name("NAME[@N]");
  command->callback([&session, name] {
    session.command = [&session, name] { return Show(session, *name); };
  });
}

}  // namespace troupe
