#include "client/coordinator/online/predictor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

using Answer = std::function<void(absl::StatusOr<pb::PredictResponse>)>;

// Names that are known at once: whoever makes them up fills no memory.
constexpr size_t kKnownNames = 1000;

pb::PredictResponse ResponseOf(const OnlineVersion& version, int64_t rows,
                               const OnlineResult& result) {
  pb::PredictResponse response;
  response.set_pipeline(version.name);
  response.mutable_rows()->Reserve(static_cast<int>(rows));
  size_t begin = 0;
  int64_t rejected = 0;
  for (int64_t row = 0; row < rows; ++row) {
    pb::PredictedRow& answer = *response.add_rows();
    if (rejected < result.rejected.size() &&
        result.rejected.row(rejected) == row) {
      answer.mutable_error()->set_reason(
          std::string(result.rejected.reason(rejected)));
      answer.mutable_error()->set_message(result.rejected.Sentence(rejected));
      ++rejected;
      continue;
    }
    const size_t end = result.lines.find('\n', begin);
    answer.set_json(result.lines.substr(begin, end - begin));
    begin = end + 1;
  }
  return response;
}

}  // namespace

absl::StatusOr<int64_t> ReadJsonLines(std::string* text, int64_t max_rows) {
  if (!text->empty() && text->back() != '\n') *text += '\n';
  std::string lines;  // Where some are blank.
  bool blanks = false;
  int64_t rows = 0;
  size_t begin = 0;
  while (begin < text->size()) {
    const size_t end = text->find('\n', begin) + 1;
    const bool blank = text->find_first_not_of(" \t\r\n", begin) >= end;
    if (blank && !blanks) {
      lines = text->substr(0, begin);
      blanks = true;
    }
    if (!blank && blanks) lines.append(*text, begin, end - begin);
    if (!blank) ++rows;
    begin = end;
  }
  if (blanks) *text = std::move(lines);
  if (rows == 0) return BadSpec("json_lines", "holds no row");
  if (rows > max_rows)
    return BadSpec("json_lines",
                   absl::StrCat("has ", rows, " rows, at most ", max_rows,
                                " are answered at once; score a file of them"));
  return rows;
}

Predictor::Predictor(Options options, OnlineEnvironment environment,
                     PipelineRegistry* pipelines)
    : options_(options),
      environment_(environment),
      pipelines_(pipelines),
      batcher_(
          std::make_shared<Batcher>(options.batcher, environment, &timers_)) {}

void Predictor::Predict(pb::PredictRequest request, absl::Duration deadline,
                        std::function<bool()> caller_left, Answer answer) {
  if (draining_.load()) return answer(Draining("coordinator"));
  OnlineRequest online;
  online.text = std::move(*request.mutable_json_lines());
  if (static_cast<int64_t>(online.text.size()) > options_.max_bytes)
    return answer(
        BadSpec("json_lines",
                absl::StrCat("has ", online.text.size(), " bytes, at most ",
                             options_.max_bytes, " are answered at once")));
  const auto rows = ReadJsonLines(&online.text, options_.max_rows);
  if (!rows.ok()) return answer(rows.status());
  online.rows = *rows;
  const absl::Duration now = environment_.clock->Monotonic();
  online.deadline = std::min(deadline, now + options_.timeout);
  online.caller_left = std::move(caller_left);
  if (const Version known = Known(request.pipeline()))
    return Submit(known, std::move(online), std::move(answer));
  ++loading_;
  loading_thread_.Soon(
      [this, name = request.pipeline(),
       shared = std::make_shared<OnlineRequest>(std::move(online)),
       answer = std::move(answer)] {
        const auto version = Find(name);
        if (version.ok())
          Submit(*version, std::move(*shared), answer);
        else
          answer(version.status());
        --loading_;
      });
}

Predictor::Version Predictor::Known(const std::string& pipeline) {
  const int64_t changes = pipelines_->changes();
  MutexLock lock(&mutex_);
  if (changes_ != changes) return nullptr;
  const auto found = versions_.find(pipeline);
  return found == versions_.end() ? nullptr : found->second;
}

absl::StatusOr<Predictor::Version> Predictor::Find(
    const std::string& pipeline) {
  const int64_t changes = pipelines_->changes();
  ASSIGN_OR_RETURN(pb::Pipeline stored, pipelines_->Get(pipeline));
  ASSIGN_OR_RETURN(
      Version version,
      MakeOnlineVersion(std::move(stored), options_.max_batch_bytes));
  MutexLock lock(&mutex_);
  if (std::exchange(changes_, changes) != changes ||
      versions_.size() >= kKnownNames)
    versions_.clear();
  versions_[pipeline] = version;
  return version;
}

void Predictor::Submit(const Version& version, OnlineRequest request,
                       Answer answer) {
  if (request.rows > version->max_rows)
    return answer(BadSpec(
        "json_lines",
        absl::StrCat("has ", request.rows, " rows, of which ", version->name,
                     " takes at most ", version->max_rows, " at once")));
  std::vector<std::string> missing;
  for (const std::string& stage : version->stages)
    if (!environment_.calls->HasServingReplica(stage)) missing.push_back(stage);
  if (!missing.empty()) return answer(NoReplica(missing));
  request.version = version;
  request.answer = [version, rows = request.rows,
                    answer](absl::StatusOr<OnlineResult> result) {
    if (!result.ok()) return answer(std::move(result).status());
    answer(ResponseOf(*version, rows, *result));
  };
  absl::Status taken = batcher_->Submit(std::move(request));
  if (!taken.ok()) answer(std::move(taken));
}

}  // namespace troupe
