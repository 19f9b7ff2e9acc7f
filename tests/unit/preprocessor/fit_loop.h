// A FitLoop fits a preprocessor as the coordinator does, in memory.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "services/actor/context.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"
#include "services/preprocessor/preprocessor.h"
#include "services/table/table.h"
#include "services/table/wire.h"
#include "tests/testing/rejected.h"

namespace troupe::preprocessor {

inline Context NoContext() {
  return Context(CallInfo{}, std::make_shared<CancelToken>());
}

// A PreprocessorParams in protobuf's text format.
inline pb::StageParams Params(const std::string& text) {
  pb::StageParams params;
  if (!google::protobuf::TextFormat::ParseFromString(
          text, params.mutable_preprocessor()))
    throw std::runtime_error("bad params: " + text);
  return params;
}

// Columns of a table, one after the other.
class TableMaker {
 public:
  TableMaker& Add(const std::string& name, Column column,
                  ColumnRole role = pb::FEATURE) {
    table_.rows = column.rows();
    table_.schema.push_back({name, column.type(), role});
    table_.columns.push_back(std::move(column));
    return *this;
  }
  Table Make() const { return table_; }

 private:
  Table table_;
};

class FitLoop {
 public:
  // Observes batches of `batch_rows`, and merges `group` partials at a time;
  // batch i goes to replica i % replicas.
  struct Options {
    int64_t batch_rows = 1'000'000;
    int group = 64;
    int replicas = 1;
  };

  explicit FitLoop(pb::StageParams params) : FitLoop(params, Options()) {}
  FitLoop(pb::StageParams params, Options options)
      : params_(std::move(params)), options_(options) {
    for (int i = 0; i < options_.replicas; ++i)
      replicas_.push_back(std::make_unique<Preprocessor>());
  }

  // Runs all passes.
  absl::Status Fit(const Table& table) {
    input_ = table.schema;
    rows_ = table.rows;
    ASSIGN_OR_RETURN(pb::MergeResponse merged, Merge({}, "", true));
    while (merged.has_state()) {
      foreseen_.push_back(
          absl::StrCat(passes_ + merged.passes_left(),
                       merged.perhaps_more_passes() ? " or more" : ""));
      ++passes_;
      ASSIGN_OR_RETURN(const std::string state, Put(merged.state()));
      ASSIGN_OR_RETURN(std::vector<std::string> partials,
                       Observe(table, state));
      while (static_cast<int>(partials.size()) > options_.group) {
        std::vector<std::string> joined;
        for (size_t i = 0; i < partials.size();
             i += static_cast<size_t>(options_.group)) {
          const size_t end = std::min(partials.size(),
                                      i + static_cast<size_t>(options_.group));
          ASSIGN_OR_RETURN(
              const pb::MergeResponse one,
              Merge({partials.begin() + static_cast<std::ptrdiff_t>(i),
                     partials.begin() + static_cast<std::ptrdiff_t>(end)},
                    state, false));
          joined.push_back(one.partial());
        }
        partials = std::move(joined);
      }
      ASSIGN_OR_RETURN(merged, Merge(partials, state, true));
      for (const std::string& warning : merged.warnings())
        warnings_.push_back(warning);
    }
    artifact_bytes_ = merged.artifact();
    ASSIGN_OR_RETURN(artifact_, Put(merged.artifact()));
    return absl::OkStatus();
  }

  absl::StatusOr<pb::ProcessResponse> Process(Table table, pb::TableForm form) {
    pb::ProcessRequest request;
    request.set_artifact(artifact_);
    request.set_form(form);
    request.set_table(SerializeTable(std::move(table)).value());
    return replicas_[0]->Process(request, NoContext());
  }

  // The table after all steps.
  absl::StatusOr<Table> Transform(Table table,
                                  pb::TableForm form = pb::COLUMNS) {
    ASSIGN_OR_RETURN(const pb::ProcessResponse response,
                     Process(std::move(table), form));
    return ParseTable(response.table());
  }

  absl::StatusOr<pb::DescribeResponse> Describe(const Schema& schema) {
    pb::DescribeRequest request;
    *request.mutable_params() = params_;
    *request.mutable_input() = ToProto(schema);
    request.set_artifact(artifact_);
    return replicas_[0]->Describe(request, NoContext());
  }

  int passes() const { return passes_; }
  // Before each of them: how many there will be in all.
  const std::vector<std::string>& foreseen() const { return foreseen_; }
  const std::string& artifact_bytes() const { return artifact_bytes_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::vector<pb::RejectedRow>& rejected() const { return rejected_; }
  Preprocessor& preprocessor() { return *replicas_[0]; }

  // Puts the bytes on every replica; returns their name.
  absl::StatusOr<std::string> Put(const std::string& bytes) {
    const std::string sha256 = Sha256Hex(bytes);
    for (const auto& replica : replicas_) {
      ASSIGN_OR_RETURN(auto artifact, replica->LoadArtifact(bytes));
      RETURN_IF_ERROR(replica->artifacts().Put(
          sha256, static_cast<int64_t>(bytes.size()), artifact));
    }
    return sha256;
  }

 private:
  absl::StatusOr<std::vector<std::string>> Observe(const Table& table,
                                                   const std::string& state) {
    std::vector<std::string> partials;
    rejected_.clear();
    for (int64_t begin = 0; begin == 0 || begin < table.rows;
         begin += options_.batch_rows) {
      pb::ObserveRequest request;
      *request.mutable_params() = params_;
      request.set_state(state);
      request.set_table(
          SerializeTable(
              table.Slice(begin,
                          std::min(table.rows, begin + options_.batch_rows)))
              .value());
      const size_t replica = partials.size() % replicas_.size();
      ASSIGN_OR_RETURN(pb::ObserveResponse response,
                       replicas_[replica]->Observe(request, NoContext()));
      for (pb::RejectedRow& row : RejectedOf(response))
        rejected_.push_back(std::move(row));
      partials.push_back(response.partial());
    }
    return partials;
  }

  absl::StatusOr<pb::MergeResponse> Merge(
      const std::vector<std::string>& partials, const std::string& state,
      bool last) {
    pb::MergeRequest request;
    *request.mutable_params() = params_;
    *request.mutable_input() = ToProto(input_);
    request.set_state(state);
    for (const std::string& partial : partials) request.add_partials(partial);
    request.set_last(last);
    request.set_expected_rows(rows_);
    const size_t replica = static_cast<size_t>(merges_++) % replicas_.size();
    return replicas_[replica]->Merge(request, NoContext());
  }

  const pb::StageParams params_;
  const Options options_;
  std::vector<std::unique_ptr<Preprocessor>> replicas_;
  Schema input_;
  int64_t rows_ = 0;
  int passes_ = 0;
  std::vector<std::string> foreseen_;
  int merges_ = 0;
  std::string artifact_;
  std::string artifact_bytes_;
  std::vector<std::string> warnings_;
  std::vector<pb::RejectedRow> rejected_;
};

}  // namespace troupe::preprocessor
