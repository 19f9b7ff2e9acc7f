#include "services/host/fit_call.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/rpc_payload.h"
#include "services/host/sha256.h"
#include "services/host/typed_call.h"

namespace troupe {
namespace {

// A message of one piece stays below the least --max_message_bytes, 1 MiB.
constexpr size_t kPieceBytes = (size_t{1} << 20) - 4096;

// Rounds may take microseconds; people do not.
constexpr absl::Duration kTellEvery = absl::Milliseconds(250);

class FitMessages : public FitStream {
 public:
  explicit FitMessages(CallStreams& messages) : messages_(messages) {}

  absl::StatusOr<std::optional<std::string>> Next() override {
    if (all_read_) return std::nullopt;
    ASSIGN_OR_RETURN(auto bytes, messages_.Next());
    all_read_ = !bytes.has_value();
    if (all_read_) return std::nullopt;
    pb::FitRequest request;
    RETURN_IF_ERROR(ParseBytes(*bytes, request));
    if (request.has_start())
      return BadMessage("only the first message of a Fit has a start");
    return std::move(*request.mutable_table());
  }

  void Tell(const pb::FitProgress& progress) override {
    const absl::Duration now = Clock::Real()->Monotonic();
    if (told_.has_value() && now - *told_ < kTellEvery) return;
    told_ = now;
    pb::FitResponse response;
    *response.mutable_progress() = progress;
    const auto bytes = SerializeBytes(response);
    if (bytes.ok()) messages_.Offer(*bytes);
  }

  absl::Status Send(absl::string_view artifact) {
    // A caller that still sends does not read: both would wait.
    while (!all_read_) RETURN_IF_ERROR(Next().status());
    for (size_t sent = 0; sent < artifact.size(); sent += kPieceBytes) {
      pb::FitResponse piece;
      const absl::string_view next = artifact.substr(sent, kPieceBytes);
      piece.set_artifact_piece(next.data(), next.size());
      ASSIGN_OR_RETURN(const auto bytes, SerializeBytes(piece));
      RETURN_IF_ERROR(messages_.Write(bytes));
    }
    return absl::OkStatus();
  }

 private:
  CallStreams& messages_;
  bool all_read_ = false;
  std::optional<absl::Duration> told_;
};

}  // namespace

absl::StatusOr<Reply> ReceiveFit(Stage& stage, Message& message,
                                 const Context& context) {
  ASSIGN_OR_RETURN(CallStreams * messages, StreamsOf(message));
  ASSIGN_OR_RETURN(auto first, messages->Next());
  pb::FitRequest request;
  if (first.has_value()) RETURN_IF_ERROR(ParseBytes(*first, request));
  if (!request.has_start() || !request.table().empty())
    return BadMessage("the first message of a Fit has a start and no table");
  FitMessages stream(*messages);
  absl::StatusOr<Learned> learned = stage.Fit(request.start(), stream, context);
  absl::Status status = learned.status();
  if (status.ok()) status = stream.Send(learned->artifact);
  LogCall(message, context, request.start().id(), status);
  RETURN_IF_ERROR(status);
  pb::FitResponse last;
  pb::FitResult& result = *last.mutable_result();
  result = std::move(learned->result);
  *result.mutable_id() = request.start().id();
  result.set_artifact_bytes(static_cast<int64_t>(learned->artifact.size()));
  result.set_artifact_sha256(Sha256Hex(learned->artifact));
  return MakeReply(last, result.train_rows() + result.validation_rows());
}

}  // namespace troupe
