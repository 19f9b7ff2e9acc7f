#include "client/coordinator/online/http_predict.h"

#include <future>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/table/table_text.h"

namespace troupe {
namespace {

// Where the object that begins at `begin` ends, one past its brace; npos where
// it does not. Its line breaks, which are blanks there, become blanks.
size_t TakeObject(absl::string_view body, size_t begin, std::string* lines) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = begin; i < body.size(); ++i) {
    const char c = body[i];
    *lines += c == '\n' || c == '\r' ? ' ' : c;
    if (quoted) {
      if (c == '"') quoted = false;
      if (c != '\\' || i + 1 >= body.size()) continue;
      ++i;
      *lines += body[i] == '\n' || body[i] == '\r' ? ' ' : body[i];
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      *lines += '\n';
      return i + 1;
    }
  }
  return absl::string_view::npos;
}

size_t SkipBlanks(absl::string_view body, size_t at) {
  while (at < body.size() && absl::ascii_isspace(body[at])) ++at;
  return at;
}

}  // namespace

absl::StatusOr<std::string> RowsOfBody(absl::string_view body) {
  std::string lines;
  lines.reserve(body.size() + 1);
  size_t at = SkipBlanks(body, 0);
  const bool array = at < body.size() && body[at] == '[';
  if (array) at = SkipBlanks(body, at + 1);
  bool closed = !array;
  bool comma = false;  // Something has to follow.
  while (at < body.size()) {
    if (array && !comma && body[at] == ']') {
      closed = true;
      at = SkipBlanks(body, at + 1);
      break;
    }
    if (body[at] != '{')
      return BadSpec("body",
                     absl::StrCat("a JSON object was expected at byte ", at));
    const size_t end = TakeObject(body, at, &lines);
    if (end == absl::string_view::npos)
      return BadSpec(
          "body", absl::StrCat("the JSON object at byte ", at, " has no end"));
    at = SkipBlanks(body, end);
    comma = array && at < body.size() && body[at] == ',';
    if (comma)
      at = SkipBlanks(body, at + 1);
    else if (array && at < body.size() && body[at] != ']')
      return BadSpec("body",
                     absl::StrCat("\",\" or \"]\" was expected at byte ", at));
  }
  if (!closed || at < body.size())
    return BadSpec("body", closed ? absl::StrCat("nothing was expected behind "
                                                 "the array, at byte ",
                                                 at)
                                  : std::string("the JSON array has no end"));
  return lines;
}

std::string BodyOf(const pb::PredictResponse& response) {
  std::string body = "{\"pipeline\":";
  AppendJsonString(response.pipeline(), &body);
  body += ",\"rows\":[";
  for (const pb::PredictedRow& row : response.rows()) {
    if (body.back() != '[') body += ",";
    body += "\n";
    if (!row.has_error()) {
      body += row.json();
      continue;
    }
    body += "{\"error\":{\"reason\":";
    AppendJsonString(row.error().reason(), &body);
    body += ",\"message\":";
    AppendJsonString(row.error().message(), &body);
    body += "}}";
  }
  body += "]}\n";
  return body;
}

HttpAnswer AnswerPredict(Predictor& predictor, const HttpRequest& request) {
  absl::StatusOr<std::string> lines = RowsOfBody(request.body);
  if (!lines.ok()) return HttpErrorOf(lines.status());
  pb::PredictRequest rows;
  rows.set_pipeline(request.name);
  rows.set_json_lines(*std::move(lines));
  const auto answered =
      std::make_shared<std::promise<absl::StatusOr<pb::PredictResponse>>>();
  auto answer = answered->get_future();
  predictor.Predict(
      std::move(rows), absl::InfiniteDuration(),
      [] { return false; },  // The library does not tell.
      [answered](absl::StatusOr<pb::PredictResponse> response) {
        answered->set_value(std::move(response));
      });
  const absl::StatusOr<pb::PredictResponse> response = answer.get();
  if (!response.ok()) return HttpErrorOf(response.status());
  HttpAnswer good;
  good.body = BodyOf(*response);
  return good;
}

}  // namespace troupe
