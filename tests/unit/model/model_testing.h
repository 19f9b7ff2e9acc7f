// What the tests of the model share: tables, streams and golden files.
#pragma once

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "proto/pb.h"
#include "services/base/errors.h"
#include "services/model/model.h"
#include "services/table/column_builder.h"
#include "services/table/table.h"
#include "services/table/wire.h"
#include "troupe/v1/model_artifact.pb.h"

namespace troupe::model {

using Json = google::protobuf::Value;

inline ModelOptions TestOptions() {
  ModelOptions options;
  options.scratch_dir = ::testing::TempDir();
  options.training_budget_bytes = int64_t{1} << 30;
  return options;
}

inline std::string FieldOf(const absl::Status& status) {
  return MetadataOf(status)["field"];
}

inline Context AnyContext() {
  return Context({}, std::make_shared<CancelToken>());
}

// A proto from JSON.
template <typename T>
T FromJson(const std::string& json) {
  T message;
  const auto status =
      google::protobuf::util::JsonStringToMessage(json, &message);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return message;
}

inline pb::ModelParams Params(const std::string& json) {
  return FromJson<pb::ModelParams>(json);
}

inline Column Texts(const std::vector<std::string>& values) {
  ColumnBuilder builder(pb::STRING);
  for (const std::string& value : values)
    value == "?" ? builder.AppendNull() : builder.AppendText(value);
  return builder.Finish();
}

inline Column Ints(const std::vector<int64_t>& values) {
  ColumnBuilder builder(pb::INT64);
  for (const int64_t value : values) builder.AppendInt64(value);
  return builder.Finish();
}

inline Column Bools(const std::vector<bool>& values) {
  ColumnBuilder builder(pb::BOOL);
  for (const bool value : values) builder.AppendBool(value);
  return builder.Finish();
}

inline DenseMatrix Features(std::vector<std::string> names,
                            const std::vector<float>& values) {
  DenseMatrix matrix;
  matrix.rows = static_cast<int64_t>(values.size() / names.size());
  matrix.names = std::move(names);
  matrix.values.assign(reinterpret_cast<const char*>(values.data()),
                       values.size() * sizeof(float));
  return matrix;
}

// A table of two features x (0, 1, 2, ...) and z (0), and a target `y`.
inline Table LineTable(Column target) {
  Table table;
  table.rows = target.rows();
  std::vector<float> values;
  for (int64_t i = 0; i < table.rows; ++i) {
    values.push_back(static_cast<float>(i));
    values.push_back(0);
  }
  table.features = Features({"x", "z"}, values);
  table.schema = {{"y", target.type(), pb::TARGET}};
  table.columns.push_back(std::move(target));
  return table;
}

inline Table WithColumn(Table table, const std::string& name, ColumnRole role,
                        Column column) {
  table.schema.push_back({name, column.type(), role});
  table.columns.push_back(std::move(column));
  return table;
}

class FakeFitStream : public FitStream {
 public:
  explicit FakeFitStream(std::vector<Table> tables) {
    for (Table& table : tables)
      tables_.push_back(SerializeTable(std::move(table)).value());
  }
  absl::StatusOr<std::optional<std::string>> Next() override {
    if (next_ == tables_.size()) return std::optional<std::string>();
    return std::optional<std::string>(tables_[next_++]);
  }
  void Tell(const pb::FitProgress& progress) override {
    told.push_back(progress.rounds());
    at_most = progress.rounds_at_most();
  }

  std::vector<int> told;  // Rounds.
  int at_most = 0;

 private:
  std::vector<std::string> tables_;
  size_t next_ = 0;
};

inline pb::FitStart StartOf(const pb::ModelParams& params, const Table& table) {
  pb::FitStart start;
  *start.mutable_params()->mutable_model() = params;
  *start.mutable_input() = ToProto(table.schema);
  for (const std::string& name : table.features->names)
    start.add_features(name);
  start.set_expected_rows(table.rows);
  return start;
}

inline absl::StatusOr<Learned> FitTable(Model& model, const std::string& params,
                                        Table table) {
  const pb::FitStart start = StartOf(Params(params), table);
  FakeFitStream stream({std::move(table)});
  return model.Fit(start, stream, AnyContext());
}

// Fits and puts the artifact there as "fitted".
inline pb::FitResult FitAndPut(Model& model, const std::string& params,
                               Table table) {
  auto learned = FitTable(model, params, std::move(table));
  EXPECT_TRUE(learned.ok()) << learned.status();
  if (!learned.ok()) return {};
  auto artifact = model.LoadArtifact(learned->artifact);
  EXPECT_TRUE(artifact.ok()) << artifact.status();
  if (artifact.ok()) {
    EXPECT_TRUE(model.artifacts().Put("fitted", 1, *artifact).ok());
  }
  return learned->result;
}

// Predicts with "fitted".
inline absl::StatusOr<Table> Predict(Model& model, Table table,
                                     const std::string& params = "{}") {
  pb::ProcessRequest request;
  *request.mutable_params()->mutable_model() = Params(params);
  request.set_artifact("fitted");
  request.set_table(SerializeTable(std::move(table)).value());
  auto response = model.Process(request, AnyContext());
  if (!response.ok()) return response.status();
  return ParseTable(response->table());
}

inline Json ReadGolden(const std::string& name) {
  std::ifstream file("tests/golden/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return FromJson<Json>(text.str());
}

inline const Json& At(const Json& object, const std::string& key) {
  return object.struct_value().fields().at(key);
}
inline bool Has(const Json& object, const std::string& key) {
  return object.struct_value().fields().contains(key);
}

inline std::vector<double> Numbers(const Json& list) {
  std::vector<double> numbers;
  for (const Json& value : list.list_value().values())
    numbers.push_back(value.number_value());
  return numbers;
}

inline double MetricOf(
    const google::protobuf::RepeatedPtrField<pb::Metric>& metrics,
    const std::string& name) {
  for (const pb::Metric& metric : metrics)
    if (metric.name() == name) return metric.value();
  ADD_FAILURE() << "no metric " << name;
  return -1;
}

}  // namespace troupe::model
