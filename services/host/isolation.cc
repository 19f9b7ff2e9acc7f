#include "services/host/isolation.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/table_request.h"
#include "services/host/text_reply.h"
#include "services/table/concat.h"
#include "services/table/rejected_rows.h"
#include "services/table/serialize.h"
#include "services/table/wire.h"
#include "troupe/v1/artifact.pb.h"

ABSL_FLAG(int64_t, isolate_memory_bytes, int64_t{4} << 30,
          "address space of a child process that runs a suspect batch, bytes");
ABSL_FLAG(absl::Duration, isolate_time_limit, absl::Seconds(60),
          "how long such a child may take for a range of rows, where the call "
          "has no work limit");

namespace troupe {
namespace {

// Halving 100,000 rows kills 17 children per guilty row.
constexpr int kMaxDeaths = 512;
constexpr absl::Duration kKeepArtifacts = absl::Minutes(5);
constexpr size_t kMaxWanted = 8;
// So often a child is killed from outside before that counts as its own doing:
// the kernel kills what eats all memory, too.
constexpr int kMaxKills = 8;
// Of a range, which is only halved for it.
constexpr int kMaxKillsOfRange = 3;
constexpr absl::Duration kLeastKillPause = absl::Milliseconds(20);
// An error must leave before the caller's deadline.
constexpr absl::Duration kToAnswer = absl::Milliseconds(500);

absl::Status GaveUp(absl::string_view why) {
  return MakeError(absl::StatusCode::kInternal, "ISOLATION_GAVE_UP",
                   absl::StrCat("the batch cannot be isolated: ", why));
}

struct NeededArtifact {
  std::string sha256;
  std::shared_ptr<const std::string> bytes;
};

// The child of one call, started anew after each death.
class Child {
 public:
  Child(const IsolationLimits& limits, std::vector<NeededArtifact> artifacts,
        const Context& context)
      : limits_(limits), artifacts_(std::move(artifacts)), context_(context) {}

  // As IsolatedProcess::Call. Where somebody kills the child, it is started
  // anew and the message sent again, after a pause that grows.
  absl::StatusOr<ChildAnswer> Call(absl::string_view method,
                                   const google::protobuf::MessageLite& request,
                                   int max_kills = kMaxKills) {
    for (int kills = 1;; ++kills) {
      absl::StatusOr<ChildAnswer> answer = CallOnce(method, request);
      const bool killed = answer.ok() ? answer->ended && answer->end.killed
                                      : absl::IsUnavailable(answer.status());
      if (!killed || kills == max_kills) return answer;
      RETURN_IF_ERROR(Pause(kLeastKillPause * (1 << kills)));
    }
  }
  void Renew() { process_.reset(); }

 private:
  absl::StatusOr<ChildAnswer> CallOnce(
      absl::string_view method, const google::protobuf::MessageLite& request) {
    ASSIGN_OR_RETURN(std::string bytes, Serialize(request));
    if (process_ == nullptr) RETURN_IF_ERROR(Start());
    ASSIGN_OR_RETURN(ChildAnswer answer,
                     process_->Call(method, std::move(bytes),
                                    std::min(limits_.time, left()), context_));
    if (answer.ended) process_.reset();
    if (answer.ended && answer.end.timed_out && left() < limits_.time)
      return GaveUp(absl::StrCat("the caller's deadline came after ", deaths_,
                                 " child processes had died of it, each after ",
                                 absl::FormatDuration(limits_.time),
                                 " at most"));
    if (answer.ended && !answer.end.killed && ++deaths_ > kMaxDeaths)
      return GaveUp(absl::StrCat(deaths_, " child processes died of it"));
    return answer;
  }

  absl::Duration left() const {
    return context_.info().deadline - Clock::Real()->Monotonic() - kToAnswer;
  }

  // Looks at the caller meanwhile.
  absl::Status Pause(absl::Duration time) const {
    const absl::Duration until = Clock::Real()->Monotonic() + time;
    while (Clock::Real()->Monotonic() < until) {
      if (context_.cancelled()) return CallerLeft();
      poll(nullptr, 0, 10);
    }
    return absl::OkStatus();
  }

  absl::Status Start() {
    ASSIGN_OR_RETURN(process_, IsolatedProcess::Start(limits_, context_));
    for (const NeededArtifact& artifact : artifacts_) {
      pb::ArtifactChunk chunk;
      chunk.set_sha256(artifact.sha256);
      chunk.set_content(*artifact.bytes);
      ASSIGN_OR_RETURN(std::string bytes, Serialize(chunk));
      ASSIGN_OR_RETURN(
          const ChildAnswer answer,
          process_->Call("troupe.v1.Artifacts/Put", std::move(bytes),
                         limits_.time, context_));
      if (answer.ended) process_.reset();
      if (answer.ended && answer.end.killed)
        return MakeError(
            absl::StatusCode::kUnavailable, "ISOLATION_FAILED",
            absl::StrCat("cannot put its artifact: ", answer.end.what));
      if (answer.ended)
        return GaveUp(absl::StrCat("its artifact: ", answer.end.what));
      RETURN_IF_ERROR(answer.reply.status());
    }
    return absl::OkStatus();
  }

  const IsolationLimits limits_;
  const std::vector<NeededArtifact> artifacts_;
  const Context& context_;
  std::unique_ptr<IsolatedProcess> process_;
  int deaths_ = 0;
};

IsolationLimits LimitsFor(IsolationLimits limits, const Context& context) {
  context.TakeOverWorkLimit();
  if (context.info().work_limit < absl::InfiniteDuration())
    limits.time = context.info().work_limit;
  return limits;
}

// Finds the rows of [begin, end) that kill the child each by itself.
template <typename Request>
absl::Status FindGuilty(Child& child, absl::string_view method,
                        const Table& table, const Request& request,
                        int64_t begin, int64_t end, bool known_to_kill,
                        std::map<int64_t, ChildEnd>& guilty) {
  if (begin == end) return absl::OkStatus();
  const bool single = end - begin == 1;
  if (!known_to_kill || single) {
    if (single) child.Renew();  // It is judged by what it does alone.
    Request part = request;
    ASSIGN_OR_RETURN(*part.mutable_table(),
                     SerializeTable(table.Slice(begin, end)));
    ASSIGN_OR_RETURN(
        const ChildAnswer answer,
        child.Call(method, part, single ? kMaxKills : kMaxKillsOfRange));
    if (!answer.ended) return absl::OkStatus();
    if (single) {
      guilty[begin] = answer.end;
      return absl::OkStatus();
    }
  }
  const int64_t middle = begin + (end - begin) / 2;
  RETURN_IF_ERROR(
      FindGuilty(child, method, table, request, begin, middle, false, guilty));
  return FindGuilty(child, method, table, request, middle, end, false, guilty);
}

Table Without(const Table& table, const std::map<int64_t, ChildEnd>& guilty) {
  std::vector<int64_t> rest;
  for (int64_t row = 0; row < table.rows; ++row)
    if (!guilty.contains(row)) rest.push_back(row);
  return table.Select(rest);
}

template <typename Response>
absl::StatusOr<Response> ResponseOf(absl::StatusOr<std::string> reply) {
  RETURN_IF_ERROR(reply.status());
  Response response;
  if (!response.ParseFromString(*reply))
    return GaveUp("the child's answer is no message");
  return response;
}

template <typename Response>
absl::Status AddRejected(Response& response, const Table& table,
                         const std::map<int64_t, ChildEnd>& guilty) {
  if (guilty.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(RejectedRows rejected,
                   RejectedRows::FromProto(response.rejected()));
  for (const auto& [row, end] : guilty)
    rejected.Add(table.Ordinal(row),
                 {end.timed_out ? "STAGE_TIMEOUT" : "STAGE_CRASH",
                  "alone in a process of its own, ", end.what, ""});
  rejected.Sort();
  *response.mutable_rejected() = rejected.ToProto();
  return absl::OkStatus();
}

// Processes [begin, end) in as many pieces as it takes. A row that now dies
// alone, although it did not before, is guilty too.
absl::Status ProcessInPieces(Child& child, const Table& table,
                             const pb::ProcessRequest& request, int64_t begin,
                             int64_t end, std::map<int64_t, ChildEnd>& guilty,
                             std::vector<pb::ProcessResponse>& pieces) {
  pb::ProcessRequest part = request;
  ASSIGN_OR_RETURN(*part.mutable_table(),
                   SerializeTable(table.Slice(begin, end)));
  ASSIGN_OR_RETURN(ChildAnswer answer,
                   child.Call("troupe.v1.Stage/Process", part));
  if (!answer.ended) {
    ASSIGN_OR_RETURN(pieces.emplace_back(),
                     ResponseOf<pb::ProcessResponse>(std::move(answer.reply)));
    return absl::OkStatus();
  }
  if (end - begin == 1) {
    guilty[begin] = answer.end;
    return absl::OkStatus();
  }
  const int64_t middle = begin + (end - begin) / 2;
  RETURN_IF_ERROR(
      ProcessInPieces(child, table, request, begin, middle, guilty, pieces));
  return ProcessInPieces(child, table, request, middle, end, guilty, pieces);
}

absl::StatusOr<pb::ProcessResponse> JoinText(
    const pb::TextForm& form, const std::vector<pb::ProcessResponse>& pieces,
    pb::ProcessResponse joined) {
  joined.set_form(pb::LINES);
  for (const pb::ProcessResponse& piece : pieces) {
    joined.mutable_table()->append(piece.table());
    const auto bytes = static_cast<int64_t>(joined.table().size());
    if (form.max_bytes() > 0 && bytes > form.max_bytes())
      return TextTooLarge(bytes, form.max_bytes());
  }
  return joined;
}

absl::StatusOr<pb::ProcessResponse> JoinPieces(
    const pb::ProcessRequest& request,
    std::vector<pb::ProcessResponse> pieces) {
  pb::ProcessResponse joined;
  RejectedRows rejected;
  for (const pb::ProcessResponse& piece : pieces) {
    joined.set_rows(joined.rows() + piece.rows());
    ASSIGN_OR_RETURN(const RejectedRows more,
                     RejectedRows::FromProto(piece.rejected()));
    rejected.Append(more);
  }
  if (!rejected.empty()) *joined.mutable_rejected() = rejected.ToProto();
  if (request.form() == pb::LINES)
    return JoinText(request.text(), pieces, std::move(joined));
  std::vector<Table> tables;
  for (pb::ProcessResponse& piece : pieces) {
    ASSIGN_OR_RETURN(tables.emplace_back(), ParseTable(piece.table()));
    piece.clear_table();
  }
  ASSIGN_OR_RETURN(Table table, ConcatTables(tables));
  tables.clear();
  ASSIGN_OR_RETURN(*joined.mutable_table(), SerializeTable(std::move(table)));
  return joined;
}

// What is left to do where the rows kill only together, as told by `end`.
absl::StatusOr<pb::ProcessResponse> Together(Child& child, const Table& table,
                                             const pb::ProcessRequest& request,
                                             const ChildEnd& end) {
  std::vector<pb::ProcessResponse> pieces;
  std::map<int64_t, ChildEnd> guilty;
  const int64_t middle = table.rows / 2;
  for (const auto& [from, to] :
       {std::pair(int64_t{0}, middle), std::pair(middle, table.rows)})
    if (from < to)
      RETURN_IF_ERROR(
          ProcessInPieces(child, table, request, from, to, guilty, pieces));
  if (pieces.empty()) return GaveUp(end.what);
  ASSIGN_OR_RETURN(pb::ProcessResponse response,
                   JoinPieces(request, std::move(pieces)));
  RETURN_IF_ERROR(AddRejected(response, table, guilty));
  return response;
}

absl::StatusOr<pb::ObserveResponse> Together(Child&, const Table&,
                                             const pb::ObserveRequest&,
                                             const ChildEnd& end) {
  return GaveUp(
      absl::StrCat("each row works alone, but all together: ", end.what));
}

}  // namespace

IsolationLimits IsolationLimitsFromFlags() {
  IsolationLimits limits;
  limits.memory_bytes = absl::GetFlag(FLAGS_isolate_memory_bytes);
  limits.time = absl::GetFlag(FLAGS_isolate_time_limit);
  return limits;
}

template <typename Request, typename Response>
absl::StatusOr<Response> Isolation::Run(
    absl::string_view method, Request& request,
    const std::vector<std::string>& artifacts, const Context& context) {
  request.set_isolate(false);
  std::vector<NeededArtifact> needed;
  for (const std::string& sha256 : artifacts) {
    if (sha256.empty()) continue;
    ASSIGN_OR_RETURN(auto bytes, BytesOf(sha256));
    needed.push_back({sha256, std::move(bytes)});
  }
  Child child(LimitsFor(limits_, context), std::move(needed), context);
  ASSIGN_OR_RETURN(ChildAnswer answer,
                   child.Call(method, request, kMaxKillsOfRange));
  if (!answer.ended) return ResponseOf<Response>(std::move(answer.reply));

  ASSIGN_OR_RETURN(const Table table, TakeTable(request));
  std::map<int64_t, ChildEnd> guilty;
  RETURN_IF_ERROR(
      FindGuilty(child, method, table, request, 0, table.rows, true, guilty));
  const Table rest = Without(table, guilty);
  if (!guilty.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_table(), SerializeTable(rest));
    ASSIGN_OR_RETURN(answer, child.Call(method, request));
    request.clear_table();
  }
  ASSIGN_OR_RETURN(Response response,
                   answer.ended
                       ? Together(child, rest, request, answer.end)
                       : ResponseOf<Response>(std::move(answer.reply)));
  RETURN_IF_ERROR(AddRejected(response, table, guilty));
  return response;
}

absl::StatusOr<pb::ProcessResponse> Isolation::Process(
    pb::ProcessRequest& request, const Context& context) {
  const std::vector<std::string> artifacts = {request.artifact()};
  return Run<pb::ProcessRequest, pb::ProcessResponse>(
      "troupe.v1.Stage/Process", request, artifacts, context);
}

absl::StatusOr<pb::ObserveResponse> Isolation::Observe(
    pb::ObserveRequest& request, const Context& context) {
  const std::vector<std::string> artifacts = {request.state(),
                                              request.artifact()};
  return Run<pb::ObserveRequest, pb::ObserveResponse>(
      "troupe.v1.Stage/Observe", request, artifacts, context);
}

absl::StatusOr<std::string> Isolation::CallWhole(
    absl::string_view method, const google::protobuf::MessageLite& request,
    absl::string_view reason, const Context& context) {
  Child child(LimitsFor(limits_, context), {}, context);
  ASSIGN_OR_RETURN(ChildAnswer answer, child.Call(method, request));
  if (answer.ended)
    return MakeError(
        absl::StatusCode::kInternal, reason,
        absl::StrCat("in a process of its own, ", answer.end.what));
  return std::move(answer.reply);
}

void Isolation::OfferArtifact(absl::string_view sha256,
                              const std::string& bytes) {
  const absl::Duration now = Clock::Real()->Monotonic();
  MutexLock lock(&mutex_);
  std::erase_if(wanted_,
                [now](const auto& one) { return now > one.second.until; });
  const auto found = wanted_.find(std::string(sha256));
  if (found == wanted_.end()) return;
  if (found->second.bytes == nullptr) MakeRoom(bytes.size());
  found->second.bytes = std::make_shared<const std::string>(bytes);
  found->second.until = now + kKeepArtifacts;
}

void Isolation::MakeRoom(size_t bytes) {
  while (true) {
    size_t kept = bytes;
    auto oldest = wanted_.end();
    for (auto one = wanted_.begin(); one != wanted_.end(); ++one) {
      if (one->second.bytes == nullptr) continue;
      kept += one->second.bytes->size();
      if (oldest == wanted_.end() || one->second.until < oldest->second.until)
        oldest = one;
    }
    if (oldest == wanted_.end() ||
        kept <= static_cast<size_t>(limits_.artifact_bytes))
      return;
    wanted_.erase(oldest);
  }
}

absl::StatusOr<std::shared_ptr<const std::string>> Isolation::BytesOf(
    const std::string& sha256) {
  const absl::Duration now = Clock::Real()->Monotonic();
  MutexLock lock(&mutex_);
  std::erase_if(wanted_,
                [now](const auto& one) { return now > one.second.until; });
  if (!wanted_.contains(sha256) && wanted_.size() >= kMaxWanted)
    wanted_.erase(std::min_element(wanted_.begin(), wanted_.end(),
                                   [](const auto& a, const auto& b) {
                                     return a.second.until < b.second.until;
                                   }));
  Wanted& wanted = wanted_[sha256];
  wanted.until = now + kKeepArtifacts;
  if (wanted.bytes == nullptr) return ArtifactMissing(sha256);
  return wanted.bytes;
}

}  // namespace troupe
