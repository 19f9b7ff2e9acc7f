// What jobs found, as text for people.
//
// Thread safety: functions without state.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/text_format.h"
#include "google/protobuf/struct.pb.h"
#include "proto/pb.h"
#include "services/table/table.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// Rows, features, metrics beside the baseline's, importance, the version.
std::string TrainReport(const pb::Job& job, const TableStyle& style = {});

// Metrics and confusion matrix of an evaluation.
std::string EvaluateReport(const pb::Job& job, const TableStyle& style = {});

// A line per metric: test and, where there is one, validation, each beside the
// constant baseline's. "" when there are no metrics.
std::string MetricsTable(const pb::Report& report,
                         const TableStyle& style = {});

// Rows are true labels, columns predicted ones. "" where there is none or it is
// wider than a screen, and when its size does not fit the labels.
std::string ConfusionTable(const pb::Evaluation& evaluation,
                           const TableStyle& style = {});

// The most important features as bars. "" when none is known.
std::string ImportanceBars(const pb::Report& report,
                           const TableStyle& style = {}, int max_bars = 10);

// The first rejected rows with their reasons. "" when there are none.
std::string RejectedRows(const pb::Job& job);

// How many rows were short, and where the first one is; a line, "" for none.
std::string ShortRowsLine(const pb::Report& report);

// The columns as the loader sees them, and the first rows.
absl::StatusOr<std::string> InspectReport(const pb::Job& job,
                                          const TableStyle& style = {});

// A fitted pipeline: file, schema, stages, metrics, importance.
std::string PipelineText(const pb::Pipeline& pipeline,
                         const TableStyle& style = {});

// The rows of a table for people, where it is wider than `style` allows in
// several tables of some columns each; and as JSON objects by column name.
std::string TableText(const Table& table, const TableStyle& style = {},
                      size_t max_cell_width = 24);
google::protobuf::ListValue TableRows(const Table& table);

}  // namespace troupe
