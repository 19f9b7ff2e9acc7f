// A stage that passes its table through unchanged, and fails as its custom
// params say (every key may be absent; rows are named by their ordinals):
//
//   crash: [7, 9]   dies of SIGABRT when it meets one of these rows
//   hang: [3]       never comes back from it, and does not look at its token
//   oom: [5]        asks for memory until it gets no more; what is given is not
//                   touched, and after `oom_bytes` (8 GiB; 256 MiB under a
//                   sanitizer) SIGKILL comes, as from the kernel
//   crash_above: 8  dies of SIGABRT when a batch has more rows than that
//   sleep_ms: 20    sleeps so long in each batch; sleep_ms_per_row likewise
//   burn_ms: 20     computes so long in each batch
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/isolate_child.h"
#include "services/host/run_actor.h"
#include "services/host/stage.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

struct Faults {
  std::set<int64_t> crash;
  std::set<int64_t> hang;
  std::set<int64_t> oom;
  // Less where a shadow is touched with it, which takes its time.
  double oom_bytes = kHugeShadow ? 0x1p28 : 0x1p33;
  double crash_above = 1e18;
  double sleep_ms = 0;
  double sleep_ms_per_row = 0;
  double burn_ms = 0;
};

absl::StatusOr<Faults> FaultsOf(const pb::StageParams& params) {
  Faults faults;
  const std::map<std::string, std::set<int64_t>*> lists = {
      {"crash", &faults.crash}, {"hang", &faults.hang}, {"oom", &faults.oom}};
  const std::map<std::string, double*> numbers = {
      {"oom_bytes", &faults.oom_bytes},
      {"crash_above", &faults.crash_above},
      {"sleep_ms", &faults.sleep_ms},
      {"sleep_ms_per_row", &faults.sleep_ms_per_row},
      {"burn_ms", &faults.burn_ms}};
  for (const auto& [key, value] : params.custom().fields()) {
    const std::string name(key);
    if (lists.contains(name) && value.has_list_value()) {
      for (const auto& row : value.list_value().values())
        lists.at(name)->insert(static_cast<int64_t>(row.number_value()));
    } else if (numbers.contains(name) && value.has_number_value()) {
      *numbers.at(name) = value.number_value();
    } else {
      return BadSpec(absl::StrCat("custom.", name), "no such fault");
    }
  }
  return faults;
}

void Pause(double milliseconds) {
  std::this_thread::sleep_for(
      std::chrono::duration<double, std::milli>(milliseconds));
}

void Burn(double milliseconds) {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::duration<double, std::milli>(milliseconds);
  volatile uint64_t sum = 0;
  while (std::chrono::steady_clock::now() < until)
    for (uint64_t i = 0; i < 1000; ++i) sum = sum + i;
}

[[noreturn]] void ExhaustMemory(double limit) {
  constexpr size_t kBlock = size_t{64} << 20;
  std::vector<std::unique_ptr<char[]>> blocks;
  // Throws std::bad_alloc where memory is limited.
  for (double given = 0; given < limit; given += kBlock)
    blocks.push_back(std::unique_ptr<char[]>(new char[kBlock]));
  kill(getpid(), SIGKILL);
  abort();
}

class Faulty : public Stage {
 public:
  static constexpr absl::string_view kName = "faulty";

  absl::StatusOr<pb::DescribeResponse> Describe(pb::DescribeRequest& request,
                                                const Context&) override {
    RETURN_IF_ERROR(FaultsOf(request.params()).status());
    pb::DescribeResponse response;
    response.set_fitting(pb::NO_FITTING);
    *response.mutable_output() = request.input();
    return response;
  }

  absl::StatusOr<pb::ProcessResponse> Process(pb::ProcessRequest& request,
                                              const Context&) override {
    ASSIGN_OR_RETURN(const Faults faults, FaultsOf(request.params()));
    ASSIGN_OR_RETURN(Table table, ParseTable(request.table()));
    int64_t begin = 0;
    int64_t end = table.rows;
    if (request.has_rows()) {
      begin = request.rows().begin();
      end = request.rows().end();
      if (begin < 0 || begin > end || end > table.rows)
        return BadMessage("rows are outside of the table");
    }
    if (static_cast<double>(end - begin) > faults.crash_above) abort();
    Pause(faults.sleep_ms);
    Burn(faults.burn_ms);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t ordinal = table.Ordinal(row);
      if (faults.crash.contains(ordinal)) abort();
      while (faults.hang.contains(ordinal)) Pause(1000);
      if (faults.oom.contains(ordinal)) ExhaustMemory(faults.oom_bytes);
      Pause(faults.sleep_ms_per_row);
    }
    pb::ProcessResponse response;
    response.set_rows(end - begin);
    response.set_table(begin == 0 && end == table.rows
                           ? std::move(*request.mutable_table())
                           : SerializeTable(table.Slice(begin, end)).value());
    return response;
  }
};

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  return troupe::RunActor<troupe::Faulty>(argc, argv);
}
