#include "services/host/http_listener.h"

#include <httplib.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "services/base/errors.h"
#include "services/table/table_text.h"

namespace troupe {
namespace {

constexpr time_t kArrivalSeconds = 10;
// A stop waits for idle connections so long.
constexpr time_t kIdleSeconds = 1;
constexpr size_t kRequestsOfAConnection = 1'000'000;

bool IsLoopback(const std::string& host) {
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

// HOST or HOST:PORT, of this machine's loopback.
bool NamesLoopback(std::string host) {
  const size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos)
    host.resize(colon);
  return IsLoopback(host) || host == "[::1]" || host.empty();
}

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

void Put(const HttpAnswer& answer, httplib::Response& response) {
  response.status = answer.status;
  response.set_content(answer.body, answer.type);
  if (answer.retry_after > 0)
    response.set_header("Retry-After", std::to_string(answer.retry_after));
}

absl::Status StatusOf(int http_status) {
  switch (http_status) {
    case 404:
      return absl::NotFoundError("nothing is served here");
    case 413:
      return absl::InvalidArgumentError("the request is too large");
    default:
      return absl::InvalidArgumentError("this is no HTTP request");
  }
}

}  // namespace

struct HttpListener::Server {
  httplib::Server http;
  std::thread thread;
};

HttpListener::HttpListener(Options options)
    : server_(std::make_unique<Server>()) {
  httplib::Server& http = server_->http;
  http.new_task_queue = [threads = options.threads] {
    return new httplib::ThreadPool(static_cast<size_t>(threads));
  };
  http.set_payload_max_length(options.max_body_bytes);
  http.set_read_timeout(kArrivalSeconds, 0);
  http.set_write_timeout(kArrivalSeconds, 0);
  http.set_keep_alive_timeout(kIdleSeconds);
  http.set_keep_alive_max_count(kRequestsOfAConnection);
  http.set_tcp_nodelay(true);
  http.set_error_handler(
      [](const httplib::Request&, httplib::Response& response) {
        if (!response.body.empty()) return;
        HttpAnswer answer = HttpErrorOf(StatusOf(response.status));
        answer.status = response.status;
        Put(answer, response);
      });
}

HttpListener::~HttpListener() {
  server_->http.stop();
  if (server_->thread.joinable()) server_->thread.join();
}

void HttpListener::Handle(
    absl::string_view method, const std::string& path,
    std::function<HttpAnswer(const HttpRequest&)> answer) {
  const std::string pattern = absl::StrReplaceAll(path, {{":", "(.+)"}});
  const auto handler = [answer = std::move(answer)](
                           const httplib::Request& request,
                           httplib::Response& response) {
    HttpRequest given;
    if (request.matches.size() > 1) given.name = request.matches[1];
    given.body = request.body;
    Put(answer(given), response);
  };
  if (method == "POST")
    server_->http.Post(pattern, handler);
  else
    server_->http.Get(pattern, handler);
}

absl::StatusOr<int> HttpListener::Start(const std::string& host, int port) {
  httplib::Server& http = server_->http;
  if (IsLoopback(host))
    http.set_pre_routing_handler(
        [](const httplib::Request& request, httplib::Response& response) {
          if (NamesLoopback(request.get_header_value("Host")))
            return httplib::Server::HandlerResponse::Unhandled;
          Put(HttpErrorOf(absl::PermissionDeniedError(
                  "this is served to this machine by its own names only")),
              response);
          return httplib::Server::HandlerResponse::Handled;
        });
  const bool bound = port == 0 ? (port = http.bind_to_any_port(host)) > 0
                               : http.bind_to_port(host, port);
  if (!bound)
    return MakeError(absl::StatusCode::kUnavailable, "CANNOT_LISTEN",
                     absl::StrCat("cannot serve HTTP at ", host, ":", port));
  server_->thread = std::thread([&http] { http.listen_after_bind(); });
  return port;
}

HttpAnswer HttpErrorOf(const absl::Status& status) {
  HttpAnswer answer;
  answer.status = HttpStatusOf(status.code());
  const auto add = [&answer](absl::string_view key, absl::string_view value) {
    AppendJsonString(key, &answer.body);
    answer.body += ':';
    AppendJsonString(value, &answer.body);
  };
  answer.body = "{\"error\":{";
  add("code", absl::StatusCodeToString(status.code()));
  answer.body += ',';
  add("reason", ReasonOf(status));
  answer.body += ',';
  add("message", status.message());
  answer.body += ",\"metadata\":{";
  for (const auto& [key, value] : MetadataOf(status)) {
    if (answer.body.back() != '{') answer.body += ',';
    add(key, value);
  }
  answer.body += "}}}\n";
  if (const auto delay = RetryDelayOf(status))
    answer.retry_after = static_cast<int>(std::max<int64_t>(
        1, absl::ToInt64Seconds(absl::Ceil(*delay, absl::Seconds(1)))));
  return answer;
}

}  // namespace troupe
