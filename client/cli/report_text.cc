#include "client/cli/report_text.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/progress.h"
#include "client/cli/text_format.h"
#include "client/spec/spec_writer.h"
#include "services/base/status_macros.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

using Rows = std::vector<std::vector<std::string>>;
using Metrics = google::protobuf::RepeatedPtrField<pb::Metric>;

std::string MetricCell(const Metrics& metrics, const std::string& name) {
  for (const pb::Metric& metric : metrics) {
    if (metric.name() != name) continue;
    const std::string value = FormatMetric(metric.value());
    return metric.error_bound() > 0
               ? absl::StrFormat("%s +-%.1g", value, metric.error_bound())
               : value;
  }
  return "-";
}

// Names in their order of appearance, first those of `first`.
std::vector<std::string> MetricNames(const pb::Report& report) {
  std::vector<std::string> names;
  for (const Metrics* metrics :
       {&report.test().metrics(), &report.validation().metrics(),
        &report.test().baseline()}) {
    for (const pb::Metric& metric : *metrics)
      if (std::find(names.begin(), names.end(), metric.name()) == names.end())
        names.push_back(metric.name());
  }
  return names;
}

std::string RowsLine(const pb::Job& job) {
  const pb::Progress& progress = job.progress();
  const pb::Report& report = job.report();
  const int64_t fitted =
      report.train_rows() + report.validation_rows() + report.test_rows();
  const int64_t used = fitted > 0 ? fitted : progress.rows_ok();
  const int64_t rejected = progress.rows_rejected();
  std::string line = absl::StrCat(
      "rows      ",
      FormatCount(std::max(progress.rows_read(), used + rejected)), " read, ",
      FormatCount(used), " used, ", FormatCount(rejected), " rejected");
  if (job.kind() == pb::TRAIN) {
    absl::StrAppend(&line, " (train ", FormatCount(report.train_rows()));
    if (report.validation_rows() > 0)
      absl::StrAppend(&line, ", validation ",
                      FormatCount(report.validation_rows()));
    absl::StrAppend(&line, ", test ", FormatCount(report.test_rows()), ")");
  }
  return line + "\n";
}

// An empty part leaves no empty line.
std::string Paragraphs(const std::vector<std::string>& parts) {
  std::vector<std::string> filled;
  for (const std::string& part : parts)
    if (!part.empty()) filled.push_back(part);
  return absl::StrJoin(filled, "\n");
}

std::string SchemaTable(const pb::Schema& schema, const TableStyle& style) {
  Rows rows = {{"column", "type", "role"}};
  for (const pb::Field& field : schema.fields()) {
    const std::string role = pb::ColumnRole_Name(field.role());
    rows.push_back(
        {Printable(field.name(), 60), std::string(TypeName(field.type())),
         absl::AsciiStrToLower(
             field.role() == pb::COLUMN_ROLE_UNSPECIFIED ? "feature" : role)});
  }
  return AlignedTable(rows, style);
}

std::string HopsTable(const pb::Pipeline& pipeline, const TableStyle& style) {
  Rows rows = {
      {"stage", "columns in", "features out", "artifact", "evaluator"}};
  for (const pb::Hop& hop : pipeline.hops()) {
    rows.push_back(
        {Printable(hop.stage()), FormatCount(hop.input().fields_size()),
         hop.features().empty() ? "-" : FormatCount(hop.features_size()),
         hop.artifact().empty() ? "-" : Printable(hop.artifact(), 15),
         hop.evaluator().empty() ? "-" : Printable(hop.evaluator())});
  }
  return AlignedTable(rows, style);
}

// What to do with a fitted pipeline: score, where it has a model.
std::string NextCommand(const pb::Job& job) {
  const bool model = job.request().spec().has_model();
  return absl::StrCat(
      model ? "score with:  troupe score " : "apply with:  troupe transform ",
      Printable(job.pipeline()), " --input FILE --output ",
      model ? "predictions.csv\n" : "features.csv\n");
}

}  // namespace

std::string TrainReport(const pb::Job& job, const TableStyle& style) {
  const pb::Report& report = job.report();
  std::string head = RowsLine(job);
  absl::StrAppend(&head, "features  ", FormatCount(report.features_size()),
                  "\n");
  if (report.rounds() > 0)
    absl::StrAppend(&head, "rounds    ", FormatCount(report.rounds()), "\n");
  std::string stored;
  if (!job.pipeline().empty())
    stored = absl::StrCat("stored as ", Printable(job.pipeline()), "\n",
                          NextCommand(job));
  return Paragraphs({head, MetricsTable(report, style),
                     ConfusionTable(report.test(), style),
                     ImportanceBars(report, style), RejectedRows(job), stored});
}

std::string EvaluateReport(const pb::Job& job, const TableStyle& style) {
  const std::string head = absl::StrCat("pipeline  ", Printable(job.pipeline()),
                                        "\n", RowsLine(job));
  return Paragraphs({head, MetricsTable(job.report(), style),
                     ConfusionTable(job.report().test(), style),
                     RejectedRows(job)});
}

std::string MetricsTable(const pb::Report& report, const TableStyle& style) {
  const std::vector<std::string> names = MetricNames(report);
  if (names.empty()) return "";
  const bool validation = report.validation().metrics_size() > 0;
  const bool weighted =
      report.test().weighted() || report.validation().weighted();
  Rows rows = {{weighted ? "weighted metric" : "metric", "test", "baseline"}};
  if (validation) rows[0].insert(rows[0].end(), {"validation", "baseline"});
  for (const std::string& name : names) {
    rows.push_back({Printable(name), MetricCell(report.test().metrics(), name),
                    MetricCell(report.test().baseline(), name)});
    if (!validation) continue;
    rows.back().push_back(MetricCell(report.validation().metrics(), name));
    rows.back().push_back(MetricCell(report.validation().baseline(), name));
  }
  return AlignedTable(rows, style);
}

std::string ConfusionTable(const pb::Evaluation& evaluation,
                           const TableStyle& style) {
  constexpr int kMostLabels = 12;
  const int labels = evaluation.labels_size();
  if (labels == 0 || labels > kMostLabels ||
      evaluation.confusion_size() != labels * labels)
    return "";
  Rows rows = {{"true \\ predicted"}};
  for (const std::string& label : evaluation.labels())
    rows[0].push_back(Printable(label, 16));
  for (int row = 0; row < labels; ++row) {
    rows.push_back({Printable(evaluation.labels(row), 16)});
    for (int column = 0; column < labels; ++column)
      rows.back().push_back(
          FormatCount(evaluation.confusion(row * labels + column)));
  }
  return AlignedTable(rows, style);
}

std::string ImportanceBars(const pb::Report& report, const TableStyle& style,
                           int max_bars) {
  constexpr int kBarWidth = 30;
  if (report.importance().empty()) return "";
  const double highest = report.importance(0).share();
  Rows rows = {{"most important features", "", "share"}};
  const int bars = std::min(max_bars, report.importance_size());
  for (int i = 0; i < bars; ++i) {
    const pb::Importance& feature = report.importance(i);
    rows.push_back(
        {Printable(feature.feature(), 40),
         Bar(highest > 0 ? feature.share() / highest : 0, kBarWidth, ' '),
         absl::StrFormat("%.1f %%", feature.share() * 100)});
  }
  return AlignedTable(rows, style);
}

std::string RejectedRows(const pb::Job& job) {
  constexpr int kShown = 5;
  const auto& rejected = job.report().rejected();
  if (rejected.empty()) return "";
  std::string text = "rejected rows (counted from 0)\n";
  const int shown = std::min(kShown, rejected.size());
  for (int i = 0; i < shown; ++i)
    absl::StrAppend(&text, "  row ", rejected[i].row(), ": ",
                    Printable(rejected[i].reason()), ": ",
                    Printable(rejected[i].message(), 200), "\n");
  const int64_t more = job.progress().rows_rejected() - shown;
  if (more > 0) absl::StrAppend(&text, "  and ", FormatCount(more), " more\n");
  return text;
}

std::string ShortRowsLine(const pb::Report& report) {
  const pb::ShortRows& rows = report.short_rows();
  if (rows.count() == 0) return "";
  return absl::StrCat(
      FormatCount(rows.count()),
      rows.count() == 1 ? " short row (" : " short rows (first: ", "row ",
      FormatCount(rows.row() + 1), ", line ", FormatCount(rows.line()), ")\n");
}

absl::StatusOr<std::string> InspectReport(const pb::Job& job,
                                          const TableStyle& style) {
  const pb::Report& report = job.report();
  Rows rows = {{"column", "type", "missing"}};
  for (const pb::ColumnReport& column : report.columns())
    rows.push_back({Printable(column.name(), 60),
                    std::string(TypeName(column.type())),
                    FormatCount(column.missing())});
  std::string preview;
  if (!report.preview().empty()) {
    ASSIGN_OR_RETURN(const Table table, ParseTable(report.preview()));
    preview = absl::StrCat("first ", FormatCount(table.rows), " rows\n",
                           TableText(table, style));
  }
  const std::string head = absl::StrCat(
      FormatCount(job.progress().rows_read()), " rows, ",
      FormatCount(report.columns_size()), " columns\n", ShortRowsLine(report));
  return Paragraphs(
      {head, AlignedTable(rows, style), preview, RejectedRows(job)});
}

std::string PipelineText(const pb::Pipeline& pipeline,
                         const TableStyle& style) {
  const absl::Time stored =
      absl::FromUnixSeconds(pipeline.create_time().seconds());
  const std::string head = absl::StrCat(
      Printable(pipeline.name()), "@", pipeline.version(), ", stored ",
      absl::FormatTime("%Y-%m-%d %H:%M:%S", stored, absl::LocalTimeZone()),
      "\n");
  return Paragraphs(
      {head, PrintableLines(WriteSpec(pipeline.spec())),
       absl::StrCat("reads\n", SchemaTable(pipeline.input(), style)),
       absl::StrCat("writes\n", SchemaTable(pipeline.output(), style)),
       HopsTable(pipeline, style), MetricsTable(pipeline.report(), style),
       ConfusionTable(pipeline.report().test(), style),
       ImportanceBars(pipeline.report(), style)});
}

}  // namespace troupe
