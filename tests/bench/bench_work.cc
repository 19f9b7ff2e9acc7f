// The stage "work": passes its table through unchanged after a while.
//
//   sleep_ms: 20    sleeps so long in each batch, as a stage that waits for a
//                   service elsewhere
//   cpu_ms: 20      computes until its thread has used so much CPU time
#include <time.h>

#include <chrono>
#include <thread>
#include <utility>

#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/run_actor.h"
#include "services/host/stage.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

double ThreadMilliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 +
         static_cast<double>(now.tv_nsec) * 1e-6;
}

// Not wall-clock time: two replicas on one core must take twice as long.
void Compute(double milliseconds) {
  const double end = ThreadMilliseconds() + milliseconds;
  volatile uint64_t sum = 0;
  while (ThreadMilliseconds() < end)
    for (uint64_t i = 0; i < 1000; ++i) sum = sum + i;
}

double Number(const pb::StageParams& params, const char* key) {
  const auto& fields = params.custom().fields();
  const auto found = fields.find(key);
  return found == fields.end() ? 0 : found->second.number_value();
}

class Work : public Stage {
 public:
  static constexpr absl::string_view kName = "work";

  absl::StatusOr<pb::DescribeResponse> Describe(pb::DescribeRequest& request,
                                                const Context&) override {
    pb::DescribeResponse response;
    response.set_fitting(pb::NO_FITTING);
    *response.mutable_output() = request.input();
    return response;
  }

  absl::StatusOr<pb::ProcessResponse> Process(pb::ProcessRequest& request,
                                              const Context&) override {
    if (request.has_rows()) return BadMessage("this stage takes whole tables");
    ASSIGN_OR_RETURN(const Table table, ParseTable(request.table()));
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(
        Number(request.params(), "sleep_ms")));
    Compute(Number(request.params(), "cpu_ms"));
    pb::ProcessResponse response;
    response.set_rows(table.rows);
    response.set_table(std::move(*request.mutable_table()));
    return response;
  }
};

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  return troupe::RunActor<troupe::Work>(argc, argv);
}
