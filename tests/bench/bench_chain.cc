// Sends messages through a row of stages and prints one line of JSON: how many
// a second, and how long one was on its way.
#include <malloc.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "services/table/column_builder.h"
#include "services/table/wire.h"
#include "tests/bench/bench_chain/chain.h"

ABSL_FLAG(std::vector<std::string>, stages, {}, "HOST:PORT of each, in order");
ABSL_FLAG(std::string, link, "bare",
          "bare: typed gRPC; raw: gRPC of bytes; client: our client; dispatch: "
          "our client and the coordinator's dispatcher");
ABSL_FLAG(int, concurrency, 1, "messages on their way at once");
ABSL_FLAG(int64_t, rows, 1, "rows of a message's table");
ABSL_FLAG(int64_t, bytes, 64, "text in each row");
ABSL_FLAG(absl::Duration, warm_up, absl::Milliseconds(200), "not measured");
ABSL_FLAG(absl::Duration, time, absl::Milliseconds(800), "measured");
ABSL_FLAG(absl::Duration, gap, absl::ZeroDuration(),
          "send one message after each such pause");

namespace troupe::bench {
namespace {

constexpr double kPercents[] = {1,  5,  10, 20, 30, 40, 50,  60,
                                70, 80, 90, 95, 98, 99, 99.5};

std::string MakeTable(int64_t rows, int64_t bytes) {
  ColumnBuilder text(pb::STRING);
  // All different: what repeats would be stored once.
  for (int64_t row = 0; row < rows; ++row) {
    std::string value = absl::StrCat(row, " ");
    value.resize(static_cast<size_t>(bytes), 'x');
    text.AppendText(value);
  }
  Table table;
  table.rows = rows;
  table.schema = {{"text", pb::STRING}};
  table.columns.push_back(text.Finish());
  return SerializeTable(std::move(table)).value();
}

std::unique_ptr<Link> MakeLink(const std::string& name,
                               const std::string& table, Answered answered) {
  const auto make = name == "bare"       ? MakeBareLink
                    : name == "raw"      ? MakeRawLink
                    : name == "client"   ? MakeClientLink
                    : name == "dispatch" ? MakeDispatchLink
                                         : nullptr;
  if (make == nullptr) return nullptr;
  return make(absl::GetFlag(FLAGS_stages), absl::GetFlag(FLAGS_concurrency),
              table, std::move(answered));
}

void Print(const Measured& measured, size_t table_bytes) {
  const std::vector<double>& sorted = measured.latencies;
  const auto at = [&sorted](double share) {
    return sorted[static_cast<size_t>(share *
                                      static_cast<double>(sorted.size() - 1))];
  };
  const auto count = static_cast<double>(sorted.size());
  std::vector<std::string> distribution;
  for (const double percent : kPercents)
    distribution.push_back(
        absl::StrFormat("[%g, %.1f]", percent, at(percent / 100)));
  std::cout << absl::StreamFormat(
                   R"({"messages_per_s": %.1f, "mean_us": %.1f, )"
                   R"("p50_us": %.1f, "p95_us": %.1f, "p99_us": %.1f, )"
                   R"("max_us": %.1f, "count": %d, "failed": %d, )"
                   R"("table_bytes": %d, "percentiles": [%s]})",
                   count / measured.seconds,
                   std::accumulate(sorted.begin(), sorted.end(), 0.0) / count,
                   at(0.5), at(0.95), at(0.99), sorted.back(), sorted.size(),
                   measured.failed, table_bytes,
                   absl::StrJoin(distribution, ", "))
            << std::endl;
}

int Run() {
  const std::string table =
      MakeTable(absl::GetFlag(FLAGS_rows), absl::GetFlag(FLAGS_bytes));
  Chain chain(static_cast<int>(absl::GetFlag(FLAGS_stages).size()),
              absl::GetFlag(FLAGS_concurrency));
  const std::unique_ptr<Link> link =
      MakeLink(absl::GetFlag(FLAGS_link), table,
               [&chain](int place, bool ok) { chain.Answered(place, ok); });
  if (link == nullptr || absl::GetFlag(FLAGS_stages).empty()) {
    std::cerr << "wrong --link or --stages" << std::endl;
    return 1;
  }
  const absl::Duration gap = absl::GetFlag(FLAGS_gap);
  const Measured measured =
      gap > absl::ZeroDuration()
          ? chain.RunWithGaps(*link, gap, absl::GetFlag(FLAGS_time))
          : chain.Run(*link, absl::GetFlag(FLAGS_warm_up),
                      absl::GetFlag(FLAGS_time));
  if (measured.latencies.empty() || measured.failed > 0) {
    std::cerr << measured.failed << " messages failed, "
              << measured.latencies.size() << " arrived" << std::endl;
    return 1;
  }
  Print(measured, table.size());
  return 0;
}

}  // namespace
}  // namespace troupe::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  // As our processes do (services/host/run_actor.cc).
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_ARENA_MAX, 1);
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return troupe::bench::Run();
}
