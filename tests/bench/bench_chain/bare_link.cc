// gRPC without our runtime: one queue, one thread, no credit, no retries.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/rpc/channel.h"
#include "client/rpc/deadline.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "proto/pb.h"
#include "tests/bench/bench_chain/chain.h"
#include "troupe/v1/stage.grpc.pb.h"

namespace troupe::bench {
namespace {

// What one place has on its way, as a typed message.
struct TypedMessage {
  using Stub = pb::Stage::Stub;
  using Reader = grpc::ClientAsyncResponseReader<pb::ProcessResponse>;
  static std::unique_ptr<Stub> MakeStub(const std::string& stage) {
    return pb::Stage::NewStub(OpenChannel(stage));
  }

  void Begin(const std::string& table) { *request.mutable_table() = table; }
  std::unique_ptr<Reader> Call(Stub& stub, grpc::ClientContext* context,
                               int64_t number, grpc::CompletionQueue* queue) {
    request.mutable_id()->set_job("job");
    request.mutable_id()->set_number(number);
    request.mutable_id()->set_attempt(1);
    return stub.AsyncProcess(context, request, queue);
  }
  void HandOn() { request.mutable_table()->swap(*response.mutable_table()); }

  pb::ProcessRequest request;
  pb::ProcessResponse response;
};

// The same as bytes: an answer with `id` and `table` only is a request too.
struct RawMessage {
  using Stub = grpc::GenericStub;
  using Reader = grpc::ClientAsyncResponseReader<grpc::ByteBuffer>;
  static std::unique_ptr<Stub> MakeStub(const std::string& stage) {
    return std::make_unique<Stub>(OpenChannel(stage));
  }

  void Begin(const std::string& table) {
    pb::ProcessRequest typed;
    typed.mutable_id()->set_job("job");
    typed.set_table(table);
    const grpc::Slice slice(typed.SerializeAsString());
    request = grpc::ByteBuffer(&slice, 1);
  }
  std::unique_ptr<Reader> Call(Stub& stub, grpc::ClientContext* context,
                               int64_t, grpc::CompletionQueue* queue) {
    std::unique_ptr<Reader> reader = stub.PrepareUnaryCall(
        context, "/troupe.v1.Stage/Process", request, queue);
    reader->StartCall();
    return reader;
  }
  void HandOn() {
    request.Swap(&response);
    response.Clear();
  }

  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
};

template <typename Message>
class BareLink : public Link {
 public:
  BareLink(const std::vector<std::string>& stages, int places,
           std::string table, Answered answered)
      : table_(std::move(table)), answered_(std::move(answered)) {
    for (const std::string& stage : stages)
      stubs_.push_back(Message::MakeStub(stage));
    for (int i = 0; i < places; ++i) {
      places_.push_back(std::make_unique<Place>());
      places_.back()->number = i;
    }
    thread_ = std::thread([this] { Poll(); });
  }

  ~BareLink() override {
    queue_.Shutdown();
    thread_.join();
  }

  void Send(int place, int hop) override {
    Place& at = *places_[static_cast<size_t>(place)];
    if (hop == 0)
      at.message.Begin(table_);
    else
      at.message.HandOn();
    at.context.emplace();
    at.context->set_deadline(DeadlineIn(absl::Seconds(60)));
    at.reader = at.message.Call(*stubs_[static_cast<size_t>(hop)], &*at.context,
                                at.sent++, &queue_);
    at.reader->Finish(&at.message.response, &at.status, &at);
  }

 private:
  struct Place {
    int number = 0;
    int64_t sent = 0;
    Message message;
    std::optional<grpc::ClientContext> context;
    std::unique_ptr<typename Message::Reader> reader;
    grpc::Status status;
  };

  void Poll() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      Place* const at = static_cast<Place*>(tag);
      answered_(at->number, ok && at->status.ok());
    }
  }

  const std::string table_;
  const Answered answered_;
  std::vector<std::unique_ptr<typename Message::Stub>> stubs_;
  std::vector<std::unique_ptr<Place>> places_;
  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Link> MakeBareLink(const std::vector<std::string>& stages,
                                   int places, const std::string& table,
                                   Answered answered) {
  return std::make_unique<BareLink<TypedMessage>>(stages, places, table,
                                                  std::move(answered));
}

std::unique_ptr<Link> MakeRawLink(const std::vector<std::string>& stages,
                                  int places, const std::string& table,
                                  Answered answered) {
  return std::make_unique<BareLink<RawMessage>>(stages, places, table,
                                                std::move(answered));
}

}  // namespace troupe::bench
