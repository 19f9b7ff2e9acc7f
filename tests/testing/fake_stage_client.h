// A FakeStageClient is a replica played by a test: calls wait in it until the
// test answers them; health checks and puts are answered at once, as set.
//
// Thread safety: none; for tests that run on one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/rpc/stage_client.h"
#include "grpc/health/v1/health.pb.h"

namespace troupe {

class FakeFitStream : public FitUpload {
 public:
  struct Log {
    std::vector<std::string> tables;
    bool cancelled = false;
    absl::Status write_status;
    absl::StatusOr<Learned> learned = Learned();
  };
  explicit FakeFitStream(std::shared_ptr<Log> log) : log_(std::move(log)) {}

  absl::Status Write(const TableBytes& table) override {
    if (log_->cancelled) return absl::CancelledError("cancelled");
    if (log_->write_status.ok())
      log_->tables.push_back(table.TableString().value());
    return log_->write_status;
  }
  absl::StatusOr<Learned> Finish() override {
    if (log_->cancelled) return absl::CancelledError("cancelled");
    return log_->learned;
  }
  void Cancel() override { log_->cancelled = true; }

 private:
  const std::shared_ptr<Log> log_;
};

class FakeStageClient : public StageClient {
 public:
  // A call that waits for its answer.
  struct Received {
    UnaryCall call;
    std::function<void(UnaryReply)> done;
    bool cancelled = false;
  };

  explicit FakeStageClient(std::string address)
      : address_(std::move(address)) {}

  // Whether it lost no connection since the last health check.
  bool stays_connected = true;
  // What health checks find.
  absl::Status health;
  // Whether health checks wait for AnswerHealth.
  bool hold_health = false;
  // What puts come to.
  absl::Status put_status;
  // Whether puts wait for AnswerPuts.
  bool hold_puts = false;
  // Answers a call within Call, where it returns something.
  std::function<std::unique_ptr<UnaryReply>(const UnaryCall&)> answer_at_once;

  std::vector<std::shared_ptr<Received>> waiting;
  std::vector<std::pair<std::string, std::string>> puts;  // Digest, content.
  std::vector<std::shared_ptr<const std::string>> put_contents;
  std::shared_ptr<FakeFitStream::Log> fit =
      std::make_shared<FakeFitStream::Log>();

  // Answers the call that has waited longest.
  void Answer(UnaryReply reply) {
    const std::shared_ptr<Received> first = waiting.at(0);
    waiting.erase(waiting.begin());
    std::exchange(first->done, nullptr)(std::move(reply));
  }
  void Fail(absl::Status status) {
    UnaryReply reply;
    reply.status = std::move(status);
    Answer(std::move(reply));
  }
  // Answers the health checks that were held, by what `health` says now.
  void AnswerHealth() {
    for (const auto& done : std::exchange(held_health_, {}))
      done(HealthReply());
  }
  void AnswerPuts() {
    for (const auto& done : std::exchange(held_puts_, {})) done(put_status);
  }

  // Answers the calls that were cancelled, as gRPC does.
  void AnswerCancelled() {
    for (const auto& call : std::vector(waiting)) {
      if (!call->cancelled) continue;
      std::erase(waiting, call);
      UnaryReply reply;
      reply.status = absl::CancelledError("CANCELLED");
      std::exchange(call->done, nullptr)(std::move(reply));
    }
  }

  // Drops what was never answered: its callbacks hold this object.
  void Forget() {
    for (const auto& call : waiting) call->done = nullptr;
    waiting.clear();
    held_health_.clear();
    held_puts_.clear();
    answer_at_once = nullptr;
  }

  const std::string& address() const override { return address_; }
  bool connected() const override { return stays_connected; }

  std::shared_ptr<OpenCall> Call(
      UnaryCall call, std::function<void(UnaryReply)> done) override {
    if (call.method == "/grpc.health.v1.Health/Check") {
      held_health_.push_back(std::move(done));
      if (!hold_health) AnswerHealth();
      return std::make_shared<Handle>(nullptr);
    }
    if (answer_at_once) {
      if (const auto reply = answer_at_once(call)) {
        done(*reply);
        return std::make_shared<Handle>(nullptr);
      }
    }
    waiting.push_back(
        std::make_shared<Received>(Received{std::move(call), std::move(done)}));
    return std::make_shared<Handle>(waiting.back());
  }

  std::shared_ptr<OpenCall> Put(
      const std::string& sha256, std::shared_ptr<const std::string> content,
      absl::Duration, std::function<void(absl::Status)> done) override {
    puts.emplace_back(sha256, *content);
    put_contents.push_back(std::move(content));
    held_puts_.push_back(std::move(done));
    if (!hold_puts) AnswerPuts();
    return std::make_shared<Handle>(nullptr);
  }

  std::unique_ptr<FitUpload> Fit(const pb::FitStart&, FitOptions) override {
    return std::make_unique<FakeFitStream>(fit);
  }

 private:
  class Handle : public OpenCall {
   public:
    explicit Handle(std::shared_ptr<Received> call) : call_(std::move(call)) {}
    void Cancel() override {
      if (call_ != nullptr) call_->cancelled = true;
    }

   private:
    const std::shared_ptr<Received> call_;
  };

  UnaryReply HealthReply() const {
    UnaryReply reply;
    reply.status = health;
    grpc::health::v1::HealthCheckResponse response;
    response.set_status(grpc::health::v1::HealthCheckResponse::SERVING);
    if (health.ok()) reply.header = response.SerializeAsString();
    return reply;
  }

  const std::string address_;
  std::vector<std::function<void(absl::Status)>> held_puts_;
  std::vector<std::function<void(UnaryReply)>> held_health_;
};

}  // namespace troupe
