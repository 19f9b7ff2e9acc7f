#include "client/coordinator/online/online_flow.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/stages/call_header.h"
#include "services/base/crc32c.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kOnline[] = "online";

class OnlineFlow : public std::enable_shared_from_this<OnlineFlow> {
 public:
  OnlineFlow(const OnlineEnvironment& environment,
             std::shared_ptr<const OnlineVersion> version,
             std::function<void(absl::StatusOr<OnlineResult>)> done)
      : environment_(environment),
        version_(std::move(version)),
        done_(std::move(done)) {}

  void Load(OnlineRows rows) {
    job_ = std::move(rows.job);
    deadline_ = rows.deadline;
    rows_ = std::accumulate(rows.groups.begin(), rows.groups.end(), int64_t{0});
    const auto bytes = static_cast<int64_t>(rows.text.size());
    pb::LoadRequest request = version_->load;
    Name(request.mutable_id());
    pb::Split& split = *request.mutable_split();
    split.set_bytes(bytes);
    split.set_rows(rows_);
    split.set_crc32c(Crc32c(rows.text));
    request.mutable_groups()->Add(rows.groups.begin(), rows.groups.end());
    request.mutable_inline_text()->set_text(std::move(rows.text));
    StageCall call;
    call.stage = version_->stages.front();
    call.method = stage_method::kLoad;
    call.header = HeaderOf(std::move(request));
    call.bytes = bytes;
    Send(std::move(call), &OnlineFlow::TakeLoaded);
  }

 private:
  void Name(pb::BatchId* id) const {
    id->set_job(job_);
    id->set_epoch(environment_.epoch);
  }

  void Send(StageCall call, absl::Status (OnlineFlow::*take)(StageResult)) {
    const absl::Duration left =
        std::clamp(deadline_ - environment_.clock->Monotonic(),
                   absl::Milliseconds(1), environment_.call_timeout);
    call.job = job_;
    call.lane = kOnline;
    call.timeout = left;
    call.work_limit = std::min(environment_.work_limit, left);
    environment_.calls->Dispatch(
        std::move(call), [flow = shared_from_this(), take](StageResult result) {
          absl::Status status = result.status;
          if (status.ok()) status = (flow.get()->*take)(std::move(result));
          if (!status.ok()) flow->done_(std::move(status));
        });
  }

  absl::Status TakeLoaded(StageResult result) {
    ASSIGN_OR_RETURN(const pb::LoadResponse response,
                     ParseHeader<pb::LoadResponse>(result));
    return Take("loader", response, std::move(result.table));
  }

  absl::Status TakeProcessed(StageResult result) {
    ASSIGN_OR_RETURN(const pb::ProcessResponse response,
                     ParseHeader<pb::ProcessResponse>(result));
    const bool last = next_hop_ == version_->hops.size();
    const std::string& stage = version_->hops[next_hop_ - 1].stage;
    if ((response.form() == pb::LINES) != last)
      return absl::InternalError(absl::StrCat(
          "stage ", stage, " answered in another form than was asked for"));
    return Take(stage, response, std::move(result.table));
  }

  // What a hop answered, and on to the next one.
  template <typename Response>
  absl::Status Take(absl::string_view stage, const Response& response,
                    TableBytes table) {
    ASSIGN_OR_RETURN(const RejectedRows rejected,
                     RejectedRows::FromProto(response.rejected()));
    if (response.rows() + rejected.size() != rows_)
      return absl::InternalError(absl::StrCat(
          "stage ", stage, " took ", rows_, " rows and accounts for ",
          response.rows(), " and ", rejected.size(), " rejected ones"));
    rows_ = response.rows();
    result_.rejected.Append(rejected);
    if (rows_ > 0 && next_hop_ < version_->hops.size()) {
      Process(version_->hops[next_hop_++], std::move(table));
      return absl::OkStatus();
    }
    if (rows_ > 0) {
      ASSIGN_OR_RETURN(result_.lines, table.TableString());
    }
    result_.rejected.Sort();
    done_(std::move(result_));
    return absl::OkStatus();
  }

  void Process(const FlowHop& hop, TableBytes table) {
    pb::ProcessRequest request;
    Name(request.mutable_id());
    *request.mutable_params() = hop.params;
    request.set_artifact(hop.artifact);
    const bool last = next_hop_ == version_->hops.size();
    request.set_form(last ? pb::LINES : hop.form);
    if (last) *request.mutable_text() = version_->text;
    StageCall call;
    call.stage = hop.stage;
    call.method = stage_method::kProcess;
    call.header = HeaderOf(std::move(request));
    call.table = std::move(table);
    if (!hop.artifact.empty()) call.artifacts.push_back(hop.artifact);
    Send(std::move(call), &OnlineFlow::TakeProcessed);
  }

  const OnlineEnvironment environment_;
  const std::shared_ptr<const OnlineVersion> version_;
  std::string job_;
  absl::Duration deadline_;
  int64_t rows_ = 0;  // Under way.
  size_t next_hop_ = 0;
  OnlineResult result_;
  const std::function<void(absl::StatusOr<OnlineResult>)> done_;
};

}  // namespace

void StartOnlineFlow(const OnlineEnvironment& environment,
                     std::shared_ptr<const OnlineVersion> version,
                     OnlineRows rows,
                     std::function<void(absl::StatusOr<OnlineResult>)> done) {
  std::make_shared<OnlineFlow>(environment, std::move(version), std::move(done))
      ->Load(std::move(rows));
}

}  // namespace troupe
