#include "client/cli/status_advice.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace troupe {
namespace {

using google::protobuf::TextFormat;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

pb::Topology Of(const std::string& text) {
  pb::Topology topology;
  EXPECT_TRUE(TextFormat::ParseFromString(text, &topology));
  return topology;
}

TEST(StatusAdvice, IsEmptyWhereNothingWaits) {
  EXPECT_THAT(StatusAdvice(Of(R"(
stages { name: "model" target: "dns:model:1"
         replicas { serving: true outstanding: 1 } }
state { free: 500000000000 disk: 1000000000000 }
jobs { running: 1 max_running: 8 max_unfinished: 1000 })"),
                           {}),
              IsEmpty());
}

TEST(StatusAdvice, TellsHowAMissingReplicaIsStarted) {
  EXPECT_THAT(
      StatusAdvice(Of(R"(
stages { name: "model" target: "dns:model:50053" waiting: 14 }
stages { name: "loader" target: "127.0.0.1:50051"
         replicas { address: "ipv4:127.0.0.1:50051" message: "refused" } }
stages { name: "preprocessor" target: "file:/etc/p" })"),
                   {}),
      ElementsAre("no replica of model is serving (none is found at "
                  "dns:model:50053), and 14 batches wait for one; docker "
                  "compose up -d --scale model=1",
                  "no replica of loader is serving (none of those found at "
                  "127.0.0.1:50051); start it: troupe-loader --port 50051 &",
                  "no replica of preprocessor is serving (none is found at "
                  "file:/etc/p); start troupe-preprocessor --port 0 "
                  "--port_file FILE, and add its HOST:PORT as a line of "
                  "/etc/p"));
}

TEST(StatusAdvice, NamesTheReplicaThatDoesNotServe) {
  EXPECT_THAT(StatusAdvice(Of(R"(
stages { name: "model" target: "dns:model:1"
         replicas { address: "a" serving: true }
         replicas { address: "b" message: "connection refused" } })"),
                           {}),
              ElementsAre("model at b does not serve: connection refused"));
}

TEST(StatusAdvice, NamesTheStageThatTheOthersWaitFor) {
  EXPECT_THAT(StatusAdvice(Of(R"(
stages { name: "preprocessor" target: "dns:preprocessor:1" waiting: 3
         replicas { serving: true outstanding: 1 } }
stages { name: "model" target: "dns:model:1" waiting: 12
         replicas { serving: true outstanding: 2
                    stats { state: READY lanes { name: "batch" depth: 2 } } }
         replicas { serving: true outstanding: 2 } })"),
                           {}),
              ElementsAre("model is the bottleneck: 2 of 2 busy, 14 batches "
                          "wait; add a replica: docker compose up -d --scale "
                          "model=3"));
}

TEST(StatusAdvice, IsSilentWhileAReplicaIsFree) {
  EXPECT_THAT(StatusAdvice(Of(R"(
stages { name: "model" target: "dns:model:1" waiting: 12
         replicas { serving: true outstanding: 2 }
         replicas { serving: true } })"),
                           {}),
              IsEmpty());
}

TEST(StatusAdvice, WarnsOfAFullDiskAndAFullDirectory) {
  const auto advice = StatusAdvice(
      Of("state { free: 1000 disk: 100000000 outputs: 95 limit: 100 }"), {});
  ASSERT_EQ(advice.size(), 2u);
  EXPECT_THAT(advice[0], HasSubstr("1000 B of 95.4 MiB are free"));
  EXPECT_THAT(advice[1], HasSubstr("95 B of at most 100 B"));
}

TEST(StatusAdvice, TellsJobsThatWaitAndWhatFor) {
  pb::Job stalled;
  stalled.set_id("s");
  stalled.set_state(pb::STALLED);
  stalled.set_state_message("no replica of model is serving");
  pb::Job full;
  full.set_id("f");
  full.set_state(pb::DISK_FULL);
  EXPECT_THAT(
      StatusAdvice(Of("jobs { running: 8 queued: 5 max_running: 8 "
                      "max_unfinished: 13 }"),
                   {stalled, full}),
      ElementsAre("job s is stalled: no replica of model is serving",
                  "job f waits for disk space; free some, then `troupe resume "
                  "f`",
                  "no further job is taken: 13 have not ended, which is all "
                  "there may be (--max_unfinished_jobs); wait, or cancel some",
                  "5 jobs wait for one of the 8 that run to end "
                  "(--max_running_jobs)"));
}

TEST(JobsLine, CountsEachSort) {
  pb::JobQueue jobs;
  jobs.set_max_running(8);
  EXPECT_EQ(JobsLine(jobs), "0 jobs run (at most 8 long ones at once)");
  jobs.set_running(1);
  jobs.set_stalled(1);
  jobs.set_queued(2);
  jobs.set_waiting_for_space(1);
  EXPECT_EQ(JobsLine(jobs),
            "1 job runs, 1 of them stalled; 2 wait for their turn; 1 waits for "
            "disk space (at most 8 long ones at once)");
}

}  // namespace
}  // namespace troupe
