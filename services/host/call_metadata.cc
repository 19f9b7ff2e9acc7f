#include "services/host/call_metadata.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpc/support/time.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

// Longer values are nobody's lane, limit or trace.
constexpr size_t kMaxHeaderBytes = 256;

std::string Find(const grpc::ServerContext& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  if (found == metadata.end() || found->second.size() > kMaxHeaderBytes)
    return "";
  return std::string(found->second.data(), found->second.size());
}

absl::Duration TimeLeft(const grpc::ServerContext& context) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
    return absl::InfiniteDuration();
  const gpr_timespec left =
      gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

}  // namespace

absl::StatusOr<CallInfo> ReadCallInfo(const grpc::ServerContext& context,
                                      const Clock& clock) {
  CallInfo info;
  info.deadline = clock.Monotonic() + TimeLeft(context);
  info.trace = Find(context, "traceparent");
  const std::string limit = Find(context, "troupe-work-limit-ms");
  if (limit.empty()) return info;
  int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(limit, &milliseconds) || milliseconds <= 0)
    return BadMessage(absl::StrCat("troupe-work-limit-ms \"", limit,
                                   "\" is not a positive number"));
  info.work_limit = absl::Milliseconds(milliseconds);
  return info;
}

absl::StatusOr<std::string> ReadLane(const grpc::ServerContext& context) {
  std::string lane = Find(context, "troupe-lane");
  if (lane.empty()) return "batch";
  if (lane == "batch" || lane == "online") return lane;
  return BadMessage(
      absl::StrCat("troupe-lane \"", lane, "\" is neither online nor batch"));
}

void AddPushback(grpc::ServerContext& context, const absl::Status& status) {
  if (status.code() != absl::StatusCode::kResourceExhausted) return;
  const auto delay = RetryDelayOf(status);
  context.AddTrailingMetadata(
      "grpc-retry-pushback-ms",
      delay.has_value() ? absl::StrCat(absl::ToInt64Milliseconds(*delay))
                        : "-1");
}

}  // namespace troupe
