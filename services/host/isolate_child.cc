#include "services/host/isolate_child.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "services/base/errors.h"
#include "services/host/grpc_status.h"
#include "services/host/isolate_channel.h"
#include "services/host/rpc_payload.h"

namespace troupe {
namespace {

int Forever() { return 1000; }

// An artifact is one chunk. Nothing here answers with a stream.
class OneMessage : public CallStreams {
 public:
  explicit OneMessage(grpc::ByteBuffer bytes) : bytes_(std::move(bytes)) {}
  absl::StatusOr<std::optional<grpc::ByteBuffer>> Next() override {
    return std::exchange(bytes_, std::nullopt);
  }
  absl::Status Write(const grpc::ByteBuffer&) override { return CallerLeft(); }
  void Offer(const grpc::ByteBuffer&) override {}

 private:
  std::optional<grpc::ByteBuffer> bytes_;
};

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToText(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices)
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

absl::StatusOr<std::string> Handle(Actor& actor, const Frame& frame) {
  Message message;
  message.method = frame.head;
  if (message.method == "troupe.v1.Artifacts/Put")
    message.payload = std::make_unique<StreamPayload>(
        std::make_shared<OneMessage>(ToBuffer(frame.body)));
  else
    message.payload = std::make_unique<RpcPayload>(ToBuffer(frame.body));
  const Context context({}, std::make_shared<CancelToken>());
  try {
    absl::StatusOr<Reply> reply = actor.OnReceive(message, context);
    if (!reply.ok()) return reply.status();
    auto* const payload = dynamic_cast<RpcPayload*>(reply->payload.get());
    if (payload == nullptr) return HandlerFailed("child", "it gave no bytes");
    return ToText(payload->bytes());
  } catch (const std::bad_alloc&) {
    _exit(kIsolatedOutOfMemory);
  } catch (const std::exception& error) {
    return HandlerFailed("child", error.what());
  } catch (...) {
    return HandlerFailed("child", "unknown exception");
  }
}

Frame FrameOf(absl::StatusOr<std::string> answer) {
  Frame frame;
  if (answer.ok()) {
    frame.body = std::move(*answer);
    return frame;
  }
  const grpc::Status status = ToGrpcStatus(answer.status());
  frame.code = static_cast<uint32_t>(status.error_code());
  frame.head = status.error_message();
  frame.details = status.error_details();
  return frame;
}

}  // namespace

bool IsIsolatedChild() { return getenv(kIsolatedChildVariable) != nullptr; }

void EnterIsolation() {
  char* end = nullptr;
  const auto memory = strtoull(getenv(kIsolatedChildVariable), &end, 10);
  const auto parent = *end == ':' ? strtol(end + 1, nullptr, 10) : 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // It died before the line above.
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const rlimit space{memory, memory};
  if (memory > 0 && !kHugeShadow) setrlimit(RLIMIT_AS, &space);
}

int RunIsolatedChild(Actor& actor) {
  const absl::Status started = actor.OnStart();
  Frame ready = FrameOf(started.ok() ? absl::StatusOr<std::string>("")
                                     : absl::StatusOr<std::string>(started));
  if (SendFrame(kIsolatedSocket, ready, Forever) != Transfer::kDone) return 1;
  Frame frame;
  while (ReceiveFrame(kIsolatedSocket, frame, Forever) == Transfer::kDone)
    if (SendFrame(kIsolatedSocket, FrameOf(Handle(actor, frame)), Forever) !=
        Transfer::kDone)
      return 1;
  return 0;
}

}  // namespace troupe
