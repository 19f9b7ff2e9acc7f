// What HTTP callers send and get: rows of JSON in, rows of JSON out.
//
// Thread safety: functions without state.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/coordinator/online/predictor.h"
#include "proto/pb.h"
#include "services/host/http_listener.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// The rows of a body, a line each: a JSON array of objects, or objects one
// behind the other (one object, or JSON Lines). Of the objects it is only seen
// where they end: the loader reads them. BAD_SPEC (field `body`).
absl::StatusOr<std::string> RowsOfBody(absl::string_view body);

// {"pipeline": "NAME@N", "rows": [...]}: per row the prediction's object, or
// {"error": {"reason": ..., "message": ...}}.
std::string BodyOf(const pb::PredictResponse& response);

// POST /predict/NAME. Waits for the answer.
HttpAnswer AnswerPredict(Predictor& predictor, const HttpRequest& request);

}  // namespace troupe
