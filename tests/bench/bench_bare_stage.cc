// The same stage as bench_stage, without our runtime: one completion queue, one
// thread, each call answered where it arrives. The fastest form that gRPC has
// here; what ours is measured against.
#include <malloc.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/server_builder.h"
#include "proto/pb.h"
#include "troupe/v1/stage.grpc.pb.h"

ABSL_FLAG(std::string, port_file, "", "where to write the port");

namespace troupe {
namespace {

// How many calls may arrive before one is taken.
constexpr int kWaitingCalls = 64;

class BareCall {
 public:
  BareCall(pb::Stage::AsyncService* service, grpc::ServerCompletionQueue* queue)
      : service_(service), queue_(queue) {
    service_->RequestProcess(&context_, &request_, &responder_, queue_, queue_,
                             this);
  }

  void Happen(bool ok) {
    if (!ok || answered_) {
      delete this;
      return;
    }
    new BareCall(service_, queue_);
    *response_.mutable_id() = std::move(*request_.mutable_id());
    response_.set_table(std::move(*request_.mutable_table()));
    answered_ = true;
    responder_.Finish(response_, grpc::Status::OK, this);
  }

 private:
  pb::Stage::AsyncService* const service_;
  grpc::ServerCompletionQueue* const queue_;
  grpc::ServerContext context_;
  pb::ProcessRequest request_;
  pb::ProcessResponse response_;
  grpc::ServerAsyncResponseWriter<pb::ProcessResponse> responder_{&context_};
  bool answered_ = false;
};

bool WritePort(const std::string& path, int port) {
  std::ofstream(path + ".new") << port << "\n";
  return std::rename((path + ".new").c_str(), path.c_str()) == 0;
}

int Serve() {
  pb::Stage::AsyncService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::ServerCompletionQueue> queue =
      builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || !WritePort(absl::GetFlag(FLAGS_port_file), port))
    return 1;
  for (int i = 0; i < kWaitingCalls; ++i) new BareCall(&service, queue.get());
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) static_cast<BareCall*>(tag)->Happen(ok);
  return 0;
}

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  // As our processes do (services/host/run_actor.cc).
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_ARENA_MAX, 1);
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return troupe::Serve();
}
