#include "client/coordinator/stages/stage_flag.h"

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

using ::testing::ElementsAre;

TEST(StageTargets, AddToTheDefaultsInPipelineOrder) {
  EXPECT_THAT(
      *StageTargets({"feature=dns:feature:50054", "model=a:1", "b:2"}),
      ElementsAre("loader=127.0.0.1:50051", "preprocessor=127.0.0.1:50052",
                  "feature=dns:feature:50054", "model=a:1,b:2"));
}

TEST(StageTargets, AddUpOverSeveralFlags) {
  absl::CommandLineFlag* const flag = absl::FindCommandLineFlag("stage");
  std::string error;
  ASSERT_TRUE(flag->ParseFrom("loader=a:1,b:1", &error));
  ASSERT_TRUE(flag->ParseFrom("model=c:1", &error));
  EXPECT_THAT(GivenStages(), ElementsAre("loader=a:1", "b:1", "model=c:1"));
}

TEST(StageTargets, RefuseAnAddressWithoutAName) {
  EXPECT_EQ(ReasonOf(StageTargets({"a:1"}).status()), "BAD_SPEC");
}

}  // namespace
}  // namespace troupe
