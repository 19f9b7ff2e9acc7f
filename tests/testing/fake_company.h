// A FakeCompany plays loader, preprocessor and model for one job: a table of
// one column `x` whose value is the row's ordinal, which every stage passes on.
//
// Thread safety: Dispatch from the jobs' threads; what a test holds back it
// releases from its own, and what it sees it looks at when the jobs are over.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/stages/retry_policy.h"
#include "client/coordinator/stages/stage_calls.h"
#include "services/base/mutex.h"
#include "services/host/merge_pieces.h"
#include "services/host/text_reply.h"
#include "services/table/rejected_rows.h"
#include "services/table/wire.h"
#include "tests/testing/temp_dir.h"

namespace troupe {

class FakeCompany : public StageCalls {
 public:
  // --- What the test sets ----------------------------------------------------
  int64_t splits = 3;
  int64_t rows_per_split = 4;
  std::set<int64_t> bad_rows;                   // The loader rejects them.
  std::vector<int64_t> loaded;                  // Split numbers, as they came.
  std::map<int64_t, absl::Status> load_errors;  // By batch number.
  std::set<std::string> held_methods;           // Answered by Release only.
  std::vector<std::string> stalled;
  int passes = 0;  // Merges without an artifact, before one with it.
  std::deque<absl::Status> fit_errors;  // What the first fits end with.
  bool fit_unrest = false;              // Whether others die when a fit does.
  // Changes an answer to a merge.
  std::function<void(const pb::MergeRequest&, pb::MergeResponse&)> edit_merge;

  // --- What the test sees ----------------------------------------------------
  std::vector<pb::ProcessRequest> processed;  // Without tables.
  bool knows_text = true;                     // Otherwise an older version.
  std::vector<pb::MergeRequest> merged;
  std::vector<pb::PlanRequest> plan_requests;
  std::vector<pb::LoadRequest> load_requests;
  int64_t fitted_tables = 0;
  std::vector<FitCall> fits;

  size_t held() const {
    MutexLock lock(&mutex_);
    return held_.size();
  }
  int most_loads() const {
    MutexLock lock(&mutex_);
    return most_loads_;
  }
  // Those that a job's calls took.
  std::set<std::string> lanes_of(const std::string& job) const {
    MutexLock lock(&mutex_);
    const auto found = lanes_.find(job);
    return found == lanes_.end() ? std::set<std::string>() : found->second;
  }
  // Answers what is held: the newest first where `reverse`.
  void Release(bool reverse = false) {
    std::deque<Held> answers;
    {
      MutexLock lock(&mutex_);
      answers.swap(held_);
    }
    while (!answers.empty()) {
      (reverse ? answers.back() : answers.front()).answer();
      reverse ? answers.pop_back() : answers.pop_front();
    }
  }

  // --- StageCalls ------------------------------------------------------------
  void Dispatch(StageCall call,
                std::function<void(StageResult)> done) override {
    const std::string method = call.method.substr(call.method.rfind('/') + 1);
    auto answer = [done, result = AnswerInTurn(method, call)] { done(result); };
    {
      MutexLock lock(&mutex_);
      lanes_[call.job].insert(call.lane);
      if (held_methods.count(method) > 0 && !IsPreview(method, call)) {
        held_.push_back({call.job, answer});
        if (method == "Load")
          most_loads_ = std::max(most_loads_, static_cast<int>(held_.size()));
        return;
      }
    }
    answer();
  }
  absl::StatusOr<std::unique_ptr<FitSession>> StartFit(
      const FitCall& call) override {
    fits.push_back(call);
    return std::make_unique<FakeFit>(this);
  }
  void CancelJob(const std::string& job) override {
    std::deque<Held> answers;
    {
      MutexLock lock(&mutex_);
      std::deque<Held> others;
      for (Held& held : held_)
        (held.job == job ? answers : others).push_back(std::move(held));
      held_ = std::move(others);
    }
    for (const Held& held : answers) held.answer();
  }
  void ForgetJob(const std::string&) override {}
  std::vector<std::string> StalledStages(const std::string&) override {
    MutexLock lock(&mutex_);
    return stalled;
  }
  void SetStalled(std::vector<std::string> stages) {
    MutexLock lock(&mutex_);
    stalled = std::move(stages);
  }
  JobLoad LoadOf(const std::string&) override { return {}; }
  std::vector<std::string> Stages() override {
    return {"loader", "preprocessor", "model"};
  }
  bool HasServingReplica(const std::string& stage) override {
    MutexLock lock(&mutex_);
    return std::find(stalled.begin(), stalled.end(), stage) == stalled.end();
  }

 private:
  struct Held {
    std::string job;
    std::function<void()> answer;
  };

  // Learns the number of tables.
  class FakeFit : public FitSession {
   public:
    explicit FakeFit(FakeCompany* company) : company_(company) {}
    absl::Status Write(const TableBytes&) override {
      ++company_->fitted_tables;
      return absl::OkStatus();
    }
    absl::StatusOr<Learned> Finish() override {
      if (!company_->fit_errors.empty()) {
        const absl::Status error = company_->fit_errors.front();
        company_->fit_errors.pop_front();
        died_ = IsDeath(error);
        return error;
      }
      Learned learned;
      learned.artifact = std::to_string(company_->fitted_tables);
      return learned;
    }
    const std::string& replica() const override { return replica_; }
    bool died() const override { return died_; }
    bool unrest() const override { return company_->fit_unrest; }

   private:
    FakeCompany* const company_;
    const std::string replica_ = "fake";
    bool died_ = false;
  };

  // Previews are loaded as tables, behind what is written as text.
  static bool IsPreview(const std::string& method, const StageCall& call) {
    pb::LoadRequest request;
    return method == "Load" &&
           request.ParseFromString(call.header(1, false).value()) &&
           request.form() != pb::LINES;
  }

  StageResult AnswerInTurn(const std::string& method, const StageCall& call) {
    MutexLock lock(&answering_);
    return Answer(method, call);
  }

  StageResult Answer(const std::string& method, const StageCall& call) {
    const std::string header = call.header(1, false).value();
    if (method == "Plan") return Plan(header);
    if (method == "Load") return Load(header);
    if (method == "ReadRecords") return ReadRecords(header);
    if (method == "Process") return Process(header, call);
    if (method == "Observe") return Observe(call);
    if (method == "Merge") return Merge(header);
    return Reply(pb::DescribeResponse());
  }

  static StageResult Reply(const google::protobuf::MessageLite& response,
                           TableBytes table = {}) {
    StageResult result;
    result.header = response.SerializeAsString();
    result.table = std::move(table);
    return result;
  }

  StageResult Plan(const std::string& header) {
    plan_requests.emplace_back().ParseFromString(header);
    pb::PlanResponse response;
    for (int64_t i = 0; i < splits; ++i) {
      pb::Split& split = *response.add_splits();
      split.set_number(i);
      split.set_bytes(10);
      split.set_first_row(i * rows_per_split);
      split.set_rows(rows_per_split);
    }
    pb::Field& field = *response.mutable_schema()->add_fields();
    field.set_name("x");
    field.set_type(pb::INT64);
    response.set_rows(splits * rows_per_split);
    response.set_planned_bytes(splits * 10);
    return Reply(response);
  }

  StageResult Load(const std::string& header) {
    pb::LoadRequest request;
    request.ParseFromString(header);
    loaded.push_back(request.split().number());
    load_requests.push_back(request);
    StageResult failed;
    const auto error = load_errors.find(request.split().number());
    if (error != load_errors.end()) {
      failed.status = error->second;
      return failed;
    }
    pb::LoadResponse response;
    std::vector<int64_t> ids;
    RejectedRows rejected;
    const int64_t begin = request.has_rows() ? request.rows().begin() : 0;
    const int64_t end =
        request.has_rows() ? request.rows().end() : request.split().rows();
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = request.split().first_row() + i;
      if (bad_rows.count(row) == 0) {
        ids.push_back(row);
        continue;
      }
      rejected.Add(row, {"BAD_ROW", "it is bad", "", ""});
    }
    *response.mutable_rejected() = rejected.ToProto();
    response.set_wanted(end - begin);
    return ReplyWith(TableOf(ids), request, response);
  }

  // As a host does it.
  template <typename Request, typename Response>
  StageResult ReplyWith(Table table, const Request& request,
                        Response response) {
    response.set_rows(table.rows);
    response.set_table(SerializeTable(std::move(table)).value());
    StageResult result;
    if (request.form() == pb::LINES && knows_text)
      result.status = RenderReply(request.text(), response);
    result.table = TableBytes::FromTable(response.table());
    response.clear_table();
    result.header = response.SerializeAsString();
    return result;
  }

  StageResult ReadRecords(const std::string& header) {
    pb::ReadRecordsRequest request;
    request.ParseFromString(header);
    pb::ReadRecordsResponse response;
    for (const int64_t row : request.rows())
      response.add_records("text of " + std::to_string(row));
    return Reply(response);
  }

  StageResult Process(const std::string& header, const StageCall& call) {
    pb::ProcessRequest request;
    request.ParseFromString(header);
    processed.push_back(request);
    Table table = *ParseTable(*call.table.TableString());
    if (request.has_rows())
      table = table.Slice(request.rows().begin(), request.rows().end());
    return ReplyWith(std::move(table), request, pb::ProcessResponse());
  }

  // The partial of a table is as many letters as it has rows.
  static StageResult Observe(const StageCall& call) {
    pb::ObserveResponse response;
    response.set_rows(ParseTable(*call.table.TableString())->rows);
    return Reply(response, TableBytes::FromTable(std::string(
                               static_cast<size_t>(response.rows()), 'o')));
  }

  // Joins partials as text.
  StageResult Merge(const std::string& header) {
    pb::MergeRequest request;
    request.ParseFromString(header);
    merged.push_back(request);
    std::string joined;
    for (const std::string& partial : request.partials()) joined += partial;
    pb::MergeResponse response;
    if (request.last() && passes-- > 0) {
      response.set_state("state" + joined);
    } else if (request.last()) {
      response.set_artifact(joined);
    } else {
      response.set_partial(joined);
    }
    // As a host does it.
    response = *MergePieces().Cut(MergePiece(request), response);
    if (edit_merge) edit_merge(request, response);
    return Reply(response);
  }

  static Table TableOf(const std::vector<int64_t>& ids) {
    Table table;
    table.rows = static_cast<int64_t>(ids.size());
    table.row_ids = ids;
    table.schema = {{"x", pb::INT64, pb::FEATURE}};
    table.columns = {Column::FromBuffers(
        pb::INT64, table.rows, 0, "", "",
        std::string(reinterpret_cast<const char*>(ids.data()),
                    ids.size() * sizeof(int64_t)))};
    return table;
  }

  Mutex answering_;  // Guards what answers are made of and what is noted.
  mutable Mutex mutex_;
  std::deque<Held> held_ ABSL_GUARDED_BY(mutex_);
  int most_loads_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::set<std::string>> lanes_ ABSL_GUARDED_BY(mutex_);
};

// The stores of a coordinator, in a directory of their own, over a FakeCompany.
struct FakeOffice {
  FakeOffice() {
    environment.calls = &company;
    environment.database = database.get();
    environment.artifacts = &artifacts;
    environment.jobs = jobs.get();
    environment.journal = journal.get();
    environment.pipelines = pipelines.get();
    environment.uploads = uploads.get();
    environment.meter = &meter;
    environment.clock = Clock::Real();
    environment.output_root = dir / "output";
    std::filesystem::create_directory(environment.output_root);
  }

  // An inspect job that writes the table, recorded.
  pb::Job WritingJob(const std::string& id, pb::BadRowPolicy policy = pb::FAIL,
                     double max_rejects = 0.01) {
    pb::Job job;
    job.set_id(id);
    job.set_kind(pb::INSPECT);
    job.set_state(pb::QUEUED);
    pb::CreateJobRequest& request = *job.mutable_request();
    request.set_kind(pb::INSPECT);
    request.set_write_output(true);
    request.mutable_source()->set_path("a.csv");
    request.mutable_source()->set_on_bad_row(policy);
    request.mutable_source()->set_max_rejects(max_rejects);
    return jobs->Add(job)->job;
  }

  TempDir dir;
  FakeCompany company;
  std::unique_ptr<Database> database = *Database::Open(dir.path());
  std::unique_ptr<JobStore> jobs = *JobStore::Open(database.get());
  std::unique_ptr<Journal> journal =
      std::make_unique<Journal>(database.get(), jobs->epoch());
  std::unique_ptr<PipelineRegistry> pipelines =
      std::make_unique<PipelineRegistry>(database.get());
  std::unique_ptr<UploadStore> uploads =
      *UploadStore::Open(database.get(), 1 << 20);
  ArtifactStore artifacts = *ArtifactStore::Open(dir / "artifacts");
  StateMeter meter{dir.path(), {}};
  JobEnvironment environment;
};

}  // namespace troupe
