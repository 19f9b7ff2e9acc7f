// What goes out in a StageCall beside its table, and what comes back: names of
// methods, requests as headers, headers as replies.
//
// Thread safety: functions without state.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/stages/stage_call.h"
#include "services/table/serialize.h"

namespace troupe {

namespace stage_method {
inline constexpr char kPlan[] = "/troupe.v1.Loader/Plan";
inline constexpr char kLoad[] = "/troupe.v1.Loader/Load";
inline constexpr char kReadRecords[] = "/troupe.v1.Loader/ReadRecords";
inline constexpr char kDescribe[] = "/troupe.v1.Stage/Describe";
inline constexpr char kProcess[] = "/troupe.v1.Stage/Process";
inline constexpr char kObserve[] = "/troupe.v1.Stage/Observe";
inline constexpr char kMerge[] = "/troupe.v1.Stage/Merge";
}  // namespace stage_method

// A StageCall's `header`, made of `request` in every attempt.
template <class Request>
std::function<absl::StatusOr<std::string>(int, bool)> HeaderOf(
    std::shared_ptr<Request> request) {
  return [request](int attempt, bool isolate) {
    if constexpr (requires { request->mutable_id()->set_attempt(attempt); })
      request->mutable_id()->set_attempt(attempt);
    if constexpr (requires { request->set_isolate(isolate); })
      request->set_isolate(isolate);
    return Serialize(*request);
  };
}
template <class Request>
std::function<absl::StatusOr<std::string>(int, bool)> HeaderOf(
    Request request) {
  return HeaderOf(std::make_shared<Request>(std::move(request)));
}

// Reads the header of a reply.
template <class Response>
absl::StatusOr<Response> ParseHeader(const StageResult& result) {
  Response response;
  if (!response.ParseFromString(result.header))
    return absl::InternalError("a stage's reply cannot be read");
  return response;
}

}  // namespace troupe
