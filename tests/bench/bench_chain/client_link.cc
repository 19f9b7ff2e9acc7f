// The same through client/rpc, and through the coordinator's dispatcher.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/coordinator/stages/stage_network.h"
#include "client/rpc/grpc_stage_client.h"
#include "client/rpc/rpc_thread.h"
#include "proto/pb.h"
#include "tests/bench/bench_chain/chain.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::bench {
namespace {

std::string Header(int64_t number, int attempt) {
  pb::ProcessRequest request;
  request.mutable_id()->set_job("job");
  request.mutable_id()->set_number(number);
  request.mutable_id()->set_attempt(attempt);
  return request.SerializeAsString();
}

// What both have in common: the tables of the places.
class TableLink : public Link {
 public:
  TableLink(int places, const std::string& table, Answered answered)
      : places_(static_cast<size_t>(places)),
        answered_(std::move(answered)),
        table_(TableBytes::FromTable(table)) {}

 protected:
  struct Place {
    TableBytes table;
    int64_t sent = 0;
  };

  Place& PlaceAt(int place, int hop) {
    Place& at = places_[static_cast<size_t>(place)];
    if (hop == 0) at.table = table_;
    ++at.sent;
    return at;
  }
  void Take(int place, bool ok, const std::string& header, TableBytes table) {
    pb::ProcessResponse response;
    const bool whole = ok && response.ParseFromString(header);
    places_[static_cast<size_t>(place)].table = std::move(table);
    answered_(place, whole);
  }

 private:
  std::vector<Place> places_;
  const Answered answered_;
  const TableBytes table_;
};

class ClientLink : public TableLink {
 public:
  ClientLink(const std::vector<std::string>& stages, int places,
             const std::string& table, Answered answered)
      : TableLink(places, table, std::move(answered)) {
    for (const std::string& stage : stages)
      clients_.push_back(std::make_unique<GrpcStageClient>(stage, &thread_));
  }

  void Send(int place, int hop) override {
    Place& at = PlaceAt(place, hop);
    UnaryCall call;
    call.method = "/troupe.v1.Stage/Process";
    call.header = Header(at.sent, 1);
    call.table = std::move(at.table);
    clients_[static_cast<size_t>(hop)]->Call(
        std::move(call), [this, place](UnaryReply reply) {
          Take(place, reply.status.ok(), reply.header, std::move(reply.table));
        });
  }

 private:
  RpcThread thread_;
  std::vector<std::unique_ptr<GrpcStageClient>> clients_;
};

class DispatchLink : public TableLink {
 public:
  DispatchLink(std::unique_ptr<StageNetwork> network, int places,
               const std::string& table, Answered answered)
      : TableLink(places, table, std::move(answered)),
        network_(std::move(network)),
        names_(network_->dispatcher()->Stages()) {}

  void Send(int place, int hop) override {
    Place& at = PlaceAt(place, hop);
    StageCall call;
    call.stage = names_[static_cast<size_t>(hop)];
    call.method = "/troupe.v1.Stage/Process";
    call.job = "job";
    call.header = [number = at.sent](int attempt, bool) {
      return Header(number, attempt);
    };
    call.table = std::move(at.table);
    network_->dispatcher()->Dispatch(std::move(call), [this, place](
                                                          StageResult result) {
      Take(place, result.status.ok(), result.header, std::move(result.table));
    });
  }

 private:
  const std::unique_ptr<StageNetwork> network_;
  const std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<Link> MakeClientLink(const std::vector<std::string>& stages,
                                     int places, const std::string& table,
                                     Answered answered) {
  return std::make_unique<ClientLink>(stages, places, table,
                                      std::move(answered));
}

std::unique_ptr<Link> MakeDispatchLink(const std::vector<std::string>& stages,
                                       int places, const std::string& table,
                                       Answered answered) {
  std::vector<std::string> named;
  for (const std::string& stage : stages)
    named.push_back(absl::StrCat("stage", named.size(), "=", stage));
  // No call names an artifact, so there is no store.
  absl::StatusOr<std::unique_ptr<StageNetwork>> network =
      StageNetwork::Open(named, nullptr);
  if (!network.ok()) return nullptr;
  return std::make_unique<DispatchLink>(*std::move(network), places, table,
                                        std::move(answered));
}

}  // namespace troupe::bench
