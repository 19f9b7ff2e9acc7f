#include "client/coordinator/online/batcher.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(50);

absl::Status TooLate() {
  return absl::DeadlineExceededError("the rows were not answered in time");
}

int64_t BytesOf(const OnlineRequest& request) {
  return static_cast<int64_t>(request.text.size());
}

// Whether each request of a failed batch may fare better by itself: where no
// stage serves, or time is up, it does not.
bool MayFareBetter(const absl::Status& status) {
  return !absl::IsUnavailable(status) && !absl::IsCancelled(status) &&
         !absl::IsDeadlineExceeded(status);
}

}  // namespace

Batcher::Batcher(BatcherOptions options, OnlineEnvironment environment,
                 Timers* timers)
    : options_(options), environment_(environment), timers_(timers) {}

absl::Status Batcher::Submit(OnlineRequest request) {
  const std::string version = request.version->name;
  {
    MutexLock lock(&mutex_);
    // One request of any legal size is always taken.
    if (waiting_rows_ > 0 && waiting_rows_ + request.rows > options_.queue_rows)
      return TooManyRequests(absl::StrCat(waiting_rows_, " rows"));
    if (waiting_bytes_ > 0 &&
        waiting_bytes_ + BytesOf(request) > options_.queue_bytes)
      return TooManyRequests(absl::StrCat(waiting_bytes_, " bytes"));
    waiting_rows_ += request.rows;
    waiting_bytes_ += BytesOf(request);
    ++open_;
    queues_[version].waiting.push_back(
        {std::move(request), environment_.clock->Monotonic()});
  }
  Pump(version);
  return absl::OkStatus();
}

int64_t Batcher::waiting_rows() const {
  MutexLock lock(&mutex_);
  return waiting_rows_;
}

int64_t Batcher::open() const {
  MutexLock lock(&mutex_);
  return open_;
}

void Batcher::Pump(const std::string& version) {
  while (true) {
    std::vector<OnlineRequest> dropped;
    Batch batch;
    {
      MutexLock lock(&mutex_);
      const auto place = queues_.find(version);
      if (place == queues_.end()) return;
      Queue& queue = place->second;
      if (queue.flows < options_.flows && !WaitsForMore(version, queue))
        batch = Cut(queue, &dropped);
      if (!batch.empty()) ++queue.flows;
      if (queue.waiting.empty() && queue.flows == 0 && !queue.timer_set)
        queues_.erase(place);
    }
    if (!dropped.empty())
      timers_->Soon([weak = weak_from_this(), dropped = std::move(dropped)] {
        const auto self = weak.lock();
        for (const OnlineRequest& request : dropped)
          if (self != nullptr) self->Refuse(request, CallerLeft());
      });
    if (batch.empty()) return;
    Start(std::move(batch));
  }
}

bool Batcher::WaitsForMore(const std::string& version, Queue& queue) {
  if (options_.wait <= absl::ZeroDuration() || queue.waiting.empty())
    return false;
  const Waiting& first = queue.waiting.front();
  int64_t rows = 0;
  for (const Waiting& one : queue.waiting) rows += one.request.rows;
  const absl::Duration left =
      first.since + options_.wait - environment_.clock->Monotonic();
  if (first.alone || rows >= options_.batch_rows ||
      left <= absl::ZeroDuration())
    return false;
  if (!std::exchange(queue.timer_set, true))
    timers_->After(left, [weak = weak_from_this(), version] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      {
        MutexLock lock(&self->mutex_);
        self->queues_[version].timer_set = false;
      }
      self->Pump(version);
    });
  return true;
}

Batcher::Batch Batcher::Cut(Queue& queue, std::vector<OnlineRequest>* dropped) {
  const absl::Duration now = environment_.clock->Monotonic();
  Batch batch;
  int64_t rows = 0;
  int64_t bytes = 0;
  while (!queue.waiting.empty()) {
    const Waiting& front = queue.waiting.front();
    const OnlineRequest& request = front.request;
    const bool wanted = request.deadline > now && !request.caller_left();
    const int64_t most =
        std::min(options_.batch_rows, request.version->max_rows);
    if (wanted && !batch.empty() &&
        (front.alone || batch.front().alone || rows + request.rows > most ||
         bytes + BytesOf(request) > options_.batch_bytes))
      break;
    Waiting next = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    waiting_rows_ -= next.request.rows;
    waiting_bytes_ -= BytesOf(next.request);
    if (!wanted) {
      dropped->push_back(std::move(next.request));
      continue;
    }
    rows += next.request.rows;
    bytes += BytesOf(next.request);
    batch.push_back(std::move(next));
  }
  return batch;
}

void Batcher::Start(Batch batch) {
  OnlineRows rows;
  Flow flow;
  for (const Waiting& one : batch) {
    rows.text += one.request.text;
    rows.groups.push_back(one.request.rows);
    flow.deadline = std::max(flow.deadline, one.request.deadline);
    flow.callers_left.push_back(one.request.caller_left);
  }
  rows.deadline = flow.deadline;
  bool sweep = false;
  {
    MutexLock lock(&mutex_);
    rows.job = absl::StrFormat("predict/%012d", next_flow_++);
    flows_.emplace(rows.job, std::move(flow));
    sweep = !std::exchange(sweeping_, true);
  }
  if (sweep) SweepLater();
  const std::string job = rows.job;
  const auto version = batch.front().request.version;
  StartOnlineFlow(environment_, version, std::move(rows),
                  [self = shared_from_this(), job,
                   shared = std::make_shared<Batch>(std::move(batch))](
                      absl::StatusOr<OnlineResult> result) {
                    self->Ended(job, std::move(*shared), std::move(result));
                  });
}

void Batcher::Ended(const std::string& job, Batch batch,
                    absl::StatusOr<OnlineResult> result) {
  const std::string version = batch.front().request.version->name;
  environment_.calls->ForgetJob(job);
  {
    MutexLock lock(&mutex_);
    flows_.erase(job);
    --queues_[version].flows;
  }
  absl::Status failed = result.status();
  if (failed.ok()) failed = Divide(batch, *std::move(result));
  if (!failed.ok() && batch.size() > 1 && MayFareBetter(failed)) {
    QueueAlone(std::move(batch));
  } else if (!failed.ok()) {
    for (const Waiting& one : batch) Refuse(one.request, failed);
  }
  Pump(version);
}

absl::Status Batcher::Divide(const Batch& batch, OnlineResult result) {
  std::vector<OnlineResult> parts;
  size_t rejected = 0;
  size_t begin = 0;  // In the lines.
  int64_t first = 0;
  for (const Waiting& one : batch) {
    const int64_t end = first + one.request.rows;
    OnlineResult& part = parts.emplace_back();
    part.rejected = result.rejected.Select(
        [&](int64_t row) { return row >= first && row < end; });
    part.rejected.Renumber([&](int64_t row) { return row - first; });
    rejected += static_cast<size_t>(part.rejected.size());
    size_t next = begin;
    for (int64_t left = one.request.rows - part.rejected.size(); left > 0;
         --left) {
      next = result.lines.find('\n', next);
      if (next == std::string::npos)
        return absl::InternalError("the last stage answered too few lines");
      ++next;
    }
    part.lines = result.lines.substr(begin, next - begin);
    begin = next;
    first = end;
  }
  if (begin != result.lines.size() ||
      rejected != static_cast<size_t>(result.rejected.size()))
    return absl::InternalError("the stages answered other rows than asked");
  for (size_t i = 0; i < batch.size(); ++i)
    Answer(batch[i].request, std::move(parts[i]));
  return absl::OkStatus();
}

void Batcher::QueueAlone(Batch batch) {
  MutexLock lock(&mutex_);
  Queue& queue = queues_[batch.front().request.version->name];
  while (!batch.empty()) {
    Waiting& last = batch.back();
    last.alone = true;
    waiting_rows_ += last.request.rows;
    waiting_bytes_ += BytesOf(last.request);
    queue.waiting.push_front(std::move(last));
    batch.pop_back();
  }
}

void Batcher::SweepLater() {
  timers_->After(kLook, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Sweep();
  });
}

void Batcher::Sweep() {
  std::vector<std::string> unwanted;
  bool more = false;
  {
    MutexLock lock(&mutex_);
    const absl::Duration now = environment_.clock->Monotonic();
    for (const auto& [job, flow] : flows_)
      if (flow.deadline <= now ||
          absl::c_all_of(flow.callers_left,
                         [](const auto& left) { return left(); }))
        unwanted.push_back(job);
    more = !flows_.empty();
    sweeping_ = more;
  }
  for (const std::string& job : unwanted) environment_.calls->CancelJob(job);
  if (more) SweepLater();
}

// Whatever the reason, one whose time is up was late.
void Batcher::Refuse(const OnlineRequest& request, const absl::Status& why) {
  const bool late = request.deadline <= environment_.clock->Monotonic();
  Answer(request, late ? TooLate() : why);
}

void Batcher::Answer(const OnlineRequest& request,
                     absl::StatusOr<OnlineResult> result) {
  request.answer(std::move(result));
  MutexLock lock(&mutex_);
  --open_;
}

}  // namespace troupe
