#include "client/cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/str_join.h"
#include "client/cli/options.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/errors.h"
#include "services/host/sha256.h"
#include "tests/testing/fake_clock.h"
#include "tests/unit/cli/fake_coordinator_client.h"
#include "tests/unit/cli/temp_directory.h"

namespace troupe {
namespace {

using google::protobuf::TextFormat;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kSpec[] =
    "name: cancer\nsource: {path: cancer.csv}\n"
    "roles:\n  target: diagnosis\n";

// The program with a coordinator that the test plays.
struct Program {
  // Owned by the session once it connects; lives as long as `this`.
  std::unique_ptr<FakeCoordinatorClient> owned =
      std::make_unique<FakeCoordinatorClient>();
  FakeCoordinatorClient& client = *owned;
  FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  std::string address;
  std::unique_ptr<Session> session = std::make_unique<Session>(out, err, clock);

  Program() {
    session->connect = [this](const std::string& given, const Reconnecting&) {
      address = given;
      return std::move(owned);
    };
    client.updates = {Update("state: RUNNING progress { phase: 'fit' }"),
                      Update("state: SUCCEEDED pipeline: 'cancer@1'")};
    client.pipeline.set_name("cancer");
    client.pipeline.set_version(3);
  }

  static pb::Job Update(const std::string& text) {
    pb::Job job;
    EXPECT_TRUE(TextFormat::ParseFromString(text, &job));
    job.set_id("job-1");
    return job;
  }

  // An output of one part for the last update.
  void AddOutput(const std::string& bytes) {
    pb::Manifest& manifest = *client.updates.back().mutable_manifest();
    manifest.set_rows_read(1);
    manifest.set_rows_ok(1);
    pb::Part& part = *manifest.add_parts();
    part.set_name("p0");
    part.set_bytes(static_cast<int64_t>(bytes.size()));
    part.set_sha256(Sha256Hex(bytes));
    part.set_rows(1);
    client.parts["p0"] = bytes;
  }

  ExitCode Run(const std::vector<std::string>& arguments) {
    return RunProgram(arguments, *session);
  }
};

bool IsJson(const std::string& text) {
  google::protobuf::Struct document;
  return google::protobuf::util::JsonStringToMessage(text, &document).ok();
}

// --- The command line --------------------------------------------------------

TEST(Program, ExplainsItself) {
  Program program;
  EXPECT_EQ(program.Run({"--help"}), kDone);
  for (const char* part : {"train", "score", "evaluate", "transform", "inspect",
                           "jobs", "watch", "cancel", "status", "pipelines",
                           "show", "stop", "health", "Exit codes"})
    EXPECT_THAT(program.out.str(), HasSubstr(part));
}

TEST(Program, HasExamplesForEveryCommand) {
  for (const char* command :
       {"train",     "score",  "evaluate", "transform", "inspect", "jobs",
        "watch",     "wait",   "fetch",    "cancel",    "resume",  "delete",
        "pipelines", "show",   "status",   "health",    "stop",    "journal",
        "uploads",   "export", "import",   "backup",    "restore"}) {
    Program program;
    EXPECT_EQ(program.Run({command, "--help"}), kDone);
    EXPECT_THAT(program.out.str(),
                HasSubstr(std::string("Examples:\n  troupe ") + command));
  }
}

TEST(Program, NamesTheNearestCommandAndOption) {
  Program command;
  EXPECT_EQ(command.Run({"scroe"}), kWrongUsage);
  EXPECT_THAT(command.err.str(), HasSubstr("did you mean \"score\"?"));
  Program option;
  EXPECT_EQ(option.Run({"jobs", "--jsno"}), kWrongUsage);
  EXPECT_THAT(option.err.str(), HasSubstr("did you mean \"--json\"?"));
}

TEST(Program, RefusesWrongUsage) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {},
           {"--json", "jobs"},
           {"train"},
           {"train", "a.yaml", "b.yaml"},
           {"score", "cancer"},
           {"jobs", "--limit", "0"},
           {"jobs", "--limit", "many"},
           {"score", "c", "-i", "a", "-o", "b", "--format", "xml"},
           {"score", "c", "-i", "a", "-o", "b", "--threshold", "2"},
           {"score", "c", "-i", "a", "-o", "b", "--on-bad-row", "ignore"}}) {
    Program program;
    EXPECT_EQ(program.Run(arguments), kWrongUsage);
    EXPECT_THAT(program.err.str(), HasSubstr("troupe"));
    EXPECT_THAT(program.client.calls, IsEmpty());
  }
}

TEST(Program, TakesTheCoordinatorsAddress) {
  Program usual;
  usual.Run({"status"});
  EXPECT_EQ(usual.address, "127.0.0.1:50050");
  Program other;
  other.Run({"status", "--coordinator", "there:1"});
  EXPECT_EQ(other.address, "there:1");
}

// --- What a shell is told ----------------------------------------------------

// The words that come into question for the last one.
std::string Completed(Program& program, std::vector<std::string> words) {
  words.insert(words.begin(), "__complete");
  EXPECT_EQ(program.Run(words), kDone);
  std::istringstream lines(program.out.str());
  std::string found;
  for (std::string line; std::getline(lines, line);)
    found += line.substr(0, line.find('\t')) + " ";
  return found;
}

std::string Completed(const std::vector<std::string>& words) {
  Program program;
  return Completed(program, words);
}

TEST(Completion, KnowsCommandsAndTheirOptions) {
  EXPECT_EQ(Completed({"sc"}), "score :words ");
  EXPECT_EQ(Completed({"--v"}), "--version :words ");
  EXPECT_EQ(Completed({"jobs", "--li"}), "--limit :words ");
  EXPECT_EQ(Completed({"score", "c", "--no-p"}), "--no-probabilities :words ");
  EXPECT_EQ(Completed({"score", "c", "--", "--no-p"}), ":words ");
  EXPECT_EQ(Completed({"nonsense", "--li"}), ":words ");
}

TEST(Completion, KnowsTheWordsThatAnOptionTakes) {
  EXPECT_EQ(Completed({"score", "c", "--format", "j"}), "jsonl :words ");
  EXPECT_EQ(Completed({"score", "c", "--format=t"}), "--format=tsv :words ");
  EXPECT_EQ(Completed({"jobs", "--state", "s"}), "stalled succeeded :words ");
  EXPECT_EQ(Completed({"completion", ""}), "bash zsh fish :words ");
  EXPECT_EQ(Completed({"score", "c", "--input", "x"}), ":files ");
  EXPECT_EQ(Completed({"train", ""}), ":files ");
}

TEST(Completion, AsksForJobsAndPipelines) {
  Program jobs;
  jobs.client.pages.resize(1);
  jobs.client.pages[0].add_jobs()->set_id("20261123-7f3a");
  EXPECT_EQ(Completed(jobs, {"fetch", "--coordinator", "there:1", "2026"}),
            "20261123-7f3a :words ");
  EXPECT_EQ(jobs.address, "there:1");
  Program pipelines;
  pb::Pipeline& pipeline = *pipelines.client.pipelines.add_pipelines();
  pipeline.set_name("cancer");
  pipeline.set_version(3);
  EXPECT_EQ(Completed(pipelines, {"score", ""}), "cancer cancer@3 :words ");
}

TEST(Completion, IsSilentWhereNobodyAnswers) {
  Program program;
  program.client.error = absl::UnavailableError("nobody");
  EXPECT_EQ(Completed(program, {"watch", ""}), ":words ");
  EXPECT_EQ(program.err.str(), "");
}

TEST(Completion, HasAScriptForEachShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    Program program;
    EXPECT_EQ(program.Run({"completion", shell}), kDone);
    EXPECT_THAT(program.out.str(), HasSubstr("__complete"));
  }
  Program other;
  EXPECT_EQ(other.Run({"completion", "csh"}), kWrongUsage);
}

// --- Exit codes --------------------------------------------------------------

TEST(ExitCode, TellsTheEndsOfAJobApart) {
  const std::vector<std::pair<std::string, ExitCode>> ends = {
      {"state: SUCCEEDED", kDone},
      {"state: PARTIALLY_SUCCEEDED", kPartial},
      {"state: CANCELLED", kCancelled},
      {"state: FAILED error { code: 3 message: 'no' }", kFailed}};
  for (const auto& [update, code] : ends) {
    Program program;
    program.client.updates = {Program::Update(update)};
    EXPECT_EQ(program.Run({"watch", "job-1"}), code) << update;
  }
}

TEST(ExitCode, TellsErrorsApart) {
  const std::vector<std::pair<absl::Status, ExitCode>> errors = {
      {MakeError(absl::StatusCode::kUnavailable, "COORDINATOR_UNREACHABLE",
                 "x"),
       kUnreachable},
      {Draining("coordinator"), kFailed},
      {JobNotFound("x"), kFailed},
      {BadSpec("name", "x"), kWrongUsage},
      {FileNotFound("x"), kWrongUsage},
      {JobCancelled("x"), kCancelled},
      {absl::InternalError("x"), kFailed}};
  for (const auto& [error, code] : errors) {
    Program program;
    program.client.error = error;
    EXPECT_EQ(program.Run({"status"}), code) << error;
  }
}

TEST(Program, ShowsErrorsAsJsonToo) {
  Program program;
  program.client.error = JobNotFound("nine");
  EXPECT_EQ(program.Run({"cancel", "nine", "--json"}), kFailed);
  EXPECT_TRUE(IsJson(program.out.str()));
  EXPECT_THAT(program.out.str(), HasSubstr("\"reason\": \"JOB_NOT_FOUND\""));
  EXPECT_THAT(program.err.str(), testing::StartsWith("troupe: "));
}

TEST(Program, DefusesControlCharactersInErrors) {
  Program program;
  program.client.error = absl::InternalError("a\x1b[2J");
  program.Run({"status"});
  EXPECT_THAT(program.err.str(), Not(HasSubstr("\x1b")));
}

// --- train -------------------------------------------------------------------

TEST(Train, SendsTheTableThatLiesBesideTheFile) {
  const TempDirectory directory;
  directory.Write("cancer.csv", "a\n1\n");
  Program program;
  for (pb::Job& job : program.client.updates)
    job.mutable_request()->mutable_spec()->mutable_model();
  EXPECT_EQ(program.Run({"train", directory.Write("c.yaml", kSpec)}), kDone);
  EXPECT_EQ(program.client.uploads["cancer.csv"], "a\n1\n");
  ASSERT_EQ(program.client.created.size(), 1u);
  EXPECT_EQ(program.client.created[0].upload(), "upload-1");
  EXPECT_EQ(program.client.created[0].spec().name(), "cancer");
  EXPECT_THAT(program.out.str(), HasSubstr("troupe score cancer@1"));
}

TEST(Train, LeavesTheTableToTheLoader) {
  const TempDirectory directory;
  const std::string file = directory.Write("c.yaml", kSpec);
  Program missing;  // No such file here: the loader may have it.
  EXPECT_EQ(missing.Run({"train", file}), kDone);
  EXPECT_EQ(missing.client.created[0].upload(), "");
  EXPECT_EQ(missing.client.created[0].spec().source().path(), "cancer.csv");
  directory.Write("cancer.csv", "a\n1\n");
  Program remote;  // It is here, but --remote says so.
  EXPECT_EQ(remote.Run({"train", file, "--remote"}), kDone);
  EXPECT_THAT(remote.client.uploads, IsEmpty());
}

TEST(Train, SaysWhereAnInputWasLookedForBeforeAJobIsMade) {
  const TempDirectory directory;
  const std::string file = directory.Write("c.yaml", kSpec);
  directory.Write("cancr.csv", "a\n1\n");
  Program program;
  program.client.check_error = FileNotFound("cancer.csv");
  EXPECT_EQ(program.Run({"train", file}), kWrongUsage);
  EXPECT_THAT(program.client.created, IsEmpty());
  const std::string told = program.err.str();
  EXPECT_THAT(told,
              HasSubstr("c.yaml:2:16: \"cancer.csv\" is not on this machine"));
  EXPECT_THAT(told, HasSubstr("and the loader has it not"));
  EXPECT_THAT(told, HasSubstr("did you mean \"cancr.csv\"?"));
  EXPECT_THAT(told, HasSubstr("    2 | source: {path: cancer.csv}\n"));
}

TEST(Usage, IsJsonWhereThatWasAskedForAlsoWhenItIsWrong) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"trian", "--json"},
                                             {"train", "--json"},
                                             {"train", "a", "--jsom", "--json"},
                                             {"--json", "train"}}) {
    Program program;
    EXPECT_EQ(program.Run(words), kWrongUsage);
    EXPECT_THAT(program.out.str(), HasSubstr("\"reason\": \"BAD_USAGE\""));
  }
}

TEST(Train, TakesOtherDataByTheCommandLine) {
  const TempDirectory directory;
  Program program;
  EXPECT_EQ(program.Run({"train", directory.Write("c.yaml", kSpec), "--data",
                         directory.Write("x/other.csv", "b\n")}),
            kDone);
  EXPECT_EQ(program.client.uploads["other.csv"], "b\n");
}

TEST(Train, RefusesAGlobOfSeveralLocalFiles) {
  const TempDirectory directory;
  directory.Write("a1.csv", "");
  directory.Write("a2.csv", "");
  const std::string file =
      directory.Write("c.yaml", "name: a\nsource: {path: 'a*.csv'}");
  Program several;
  EXPECT_EQ(several.Run({"train", file}), kWrongUsage);
  EXPECT_THAT(several.err.str(), HasSubstr("matches 2 files"));
  std::filesystem::remove(directory.Path("a2.csv"));
  Program one;
  EXPECT_EQ(one.Run({"train", file}), kDone);
  EXPECT_THAT(one.client.calls, Contains("Upload a1.csv"));
}

TEST(Train, ShowsTheCoordinatorsComplaintAtItsLine) {
  const TempDirectory directory;
  const std::string file = directory.Write("c.yaml", kSpec);
  Program program;
  program.client.create_error = BadSpec("roles.target", "no such column");
  EXPECT_EQ(program.Run({"train", file}), kWrongUsage);
  EXPECT_EQ(program.err.str(),
            "troupe: " + file +
                ":4:11: roles.target: no such column\n"
                "    4 |   target: diagnosis\n      |           ^\n");
}

absl::Status Enough(const char* reason) {
  return WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, reason,
                                  "1000 jobs have not ended"),
                        absl::Minutes(1));
}

TEST(Train, WaitsForACoordinatorThatHasEnoughJobsAndSaysSo) {
  const TempDirectory directory;
  const std::string file = directory.Write("c.yaml", kSpec);
  Program program;
  program.client.create_error = Enough("TOO_MANY_JOBS");
  program.client.create_errors = 2;
  std::vector<absl::Duration> pauses;
  program.session->sleep = [&](absl::Duration pause) {
    pauses.push_back(pause);
  };
  EXPECT_EQ(program.Run({"train", file}), kDone);
  EXPECT_THAT(pauses, ElementsAre(absl::Minutes(1), absl::Minutes(1)));
  EXPECT_THAT(program.err.str(), HasSubstr("takes no more jobs now"));
  // It may have been recorded, and the answer lost.
  EXPECT_EQ(program.client.created[0].request_id(),
            program.client.created[2].request_id());
}

TEST(Train, GivesUpOnACoordinatorThatStaysFull) {
  const TempDirectory directory;
  const std::string file = directory.Write("c.yaml", kSpec);
  Program program;
  program.client.create_error = Enough("TOO_MANY_JOBS");
  int pauses = 0;
  program.session->sleep = [&](absl::Duration) { ++pauses; };
  EXPECT_EQ(program.Run({"train", file}), kFailed);
  EXPECT_EQ(pauses, 10);
}

TEST(Train, ShowsTheComplaintOfAFailedJobAtItsLine) {
  const TempDirectory directory;
  const std::string file = directory.Write("c.yaml", kSpec);
  Program program;
  program.client.updates = {
      Program::Update("state: FAILED error { code: 3 message: 'no model' }")};
  EXPECT_EQ(program.Run({"train", file}), kFailed);
  EXPECT_THAT(program.err.str(), HasSubstr("job job-1 failed: no model"));
}

TEST(Train, OnlyValidatesWhereAsked) {
  const TempDirectory directory;
  Program program;
  EXPECT_EQ(program.Run(
                {"train", directory.Write("c.yaml", kSpec), "--validate-only"}),
            kDone);
  EXPECT_TRUE(program.client.created[0].validate_only());
  EXPECT_THAT(program.client.calls, Not(Contains(HasSubstr("WatchJob"))));
  EXPECT_THAT(program.out.str(), HasSubstr("valid"));
}

TEST(Train, AsksNobodyWhenTheFileIsWrong) {
  const TempDirectory directory;
  Program program;
  EXPECT_EQ(program.Run({"train", directory.Write("c.yaml", "nmae: x")}),
            kWrongUsage);
  EXPECT_THAT(program.err.str(), HasSubstr("c.yaml:1:1: unknown key \"nmae\""));
  EXPECT_THAT(program.client.created, IsEmpty());
}

// --- score and the others that read a table ----------------------------------

TEST(Score, WritesPredictionsToTheFile) {
  const TempDirectory directory;
  Program program;
  program.AddOutput("prediction\nM\n");
  EXPECT_EQ(program.Run({"score", "cancer", "--input",
                         directory.Write("new.csv", "a\n1\n"), "--output",
                         directory.Path("p.csv")}),
            kDone);
  EXPECT_EQ(directory.Read("p.csv"), "prediction\nM\n");
  EXPECT_EQ(program.client.created[0].pipeline(), "cancer@3");
  EXPECT_EQ(program.client.created[0].output().format(), pb::CSV);
  EXPECT_EQ(program.out.str(), "");
}

TEST(Score, KeepsWhatThePipelineSaysAboutOutput) {
  const TempDirectory directory;
  Program program;
  program.AddOutput("{}\n");
  program.client.pipeline.mutable_spec()->mutable_output()->set_probabilities(
      true);
  EXPECT_EQ(program.Run({"score", "cancer", "-i", "r.csv", "-o",
                         directory.Path("p.jsonl"), "--threshold", "0.3"}),
            kDone);
  const pb::OutputSpec& output = program.client.created[0].output();
  EXPECT_TRUE(output.probabilities());
  EXPECT_EQ(output.threshold(), 0.3);
  EXPECT_EQ(output.format(), pb::JSONL);
}

TEST(Score, RefusesOptionsThatMeanNothingHere) {
  const auto said = [](const char* objective,
                       const std::vector<std::string>& options) {
    Program program;
    program.client.pipeline.mutable_spec()
        ->mutable_model()
        ->mutable_xgboost()
        ->set_objective(objective);
    std::vector<std::string> line = {"score", "c", "-i", "r.csv", "-o", "-"};
    line.insert(line.end(), options.begin(), options.end());
    program.AddOutput("x\n");
    const ExitCode code = program.Run(line);
    EXPECT_EQ(program.client.created.size(), code == kWrongUsage ? 0u : 1u);
    return code == kDone ? "" : program.err.str();
  };
  EXPECT_THAT(said("regression", {"--probabilities"}),
              HasSubstr("predicts numbers (objective regression)"));
  EXPECT_THAT(said("reg:gamma", {"--no-probabilities"}),
              HasSubstr("--probabilities means nothing"));
  EXPECT_THAT(said("count", {"--threshold", "0.5"}),
              HasSubstr("--threshold means nothing"));
  EXPECT_THAT(said("multiclass", {"--threshold", "0.5"}),
              HasSubstr("between two classes"));
  EXPECT_EQ(said("multi:softprob", {"--probabilities"}), "");
  EXPECT_EQ(said("binary", {"--threshold", "0.5"}), "");
  EXPECT_THAT(said("binary", {"--max-rejects", "5%"}),
              HasSubstr("--on-bad-row reject"));
  EXPECT_THAT(said("binary", {"--input-format", "jsonl", "--delimiter", ";"}),
              HasSubstr("JSON Lines"));
}

TEST(Program, RefusesFlagsThatMeanNothingTogether) {
  const TempDirectory directory;
  const std::string file = directory.Write("c.yaml", kSpec);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"train", file, "--validate-only", "--detach"},
           {"train", file, "--validate-only", "--request-id", "r"},
           {"train", file, "--data", "x.jsonl", "--delimiter", ";"},
           {"train", "-", "--data", "-"},
           {"inspect", "x.csv", "--format", "jsonl"},
           {"inspect", "x.csv", "--rejects", "r.jsonl"},
           {"inspect", "x.csv", "--output", "-", "--rows", "3"},
           {"inspect", "-", "--remote"},
           {"inspect", "x.jsonl", "--no-header"},
           {"score", "c", "-i", "a", "-o", "-", "--rejects", "-"},
           {"score", "c", "-i", "a", "-o", "b", "--json", "--rejects", "-"},
           {"score", "c", "-i", "a", "--detach", "--rejects", "r"}}) {
    Program program;
    EXPECT_EQ(program.Run(arguments), kWrongUsage)
        << absl::StrJoin(arguments, " ");
    EXPECT_THAT(program.client.created, IsEmpty());
  }
}

TEST(Program, NamesWhereItLookedForAnInputBeforeThereIsAJob) {
  const TempDirectory directory;
  directory.Write("new.csv", "a\n1\n");
  Program program;
  program.client.check_error = FileNotFound(directory.Path("nwe.csv"));
  EXPECT_EQ(program.Run({"evaluate", "c", "-i", directory.Path("nwe.csv")}),
            kWrongUsage);
  EXPECT_THAT(program.client.created, IsEmpty());
  EXPECT_THAT(program.err.str(),
              AllOf(HasSubstr("is not on this machine (in \""),
                    HasSubstr("did you mean \"new.csv\"?"),
                    HasSubstr("the loader has it not")));
}

TEST(Score, TurnsProbabilitiesOff) {
  Program program;
  program.AddOutput("x\n");
  program.client.pipeline.mutable_spec()->mutable_output()->set_probabilities(
      true);
  program.Run({"score", "c", "-i", "r.csv", "-o", "-", "--no-probabilities"});
  EXPECT_FALSE(program.client.created[0].output().probabilities());
  EXPECT_EQ(program.out.str(), "x\n");
}

TEST(Score, PassesOnWhatToDoWithBadRows) {
  Program program;
  program.AddOutput("x\n");
  program.Run({"score", "c", "-i", "r.csv", "-o", "-", "--on-bad-row", "reject",
               "--max-rejects", "5%"});
  const pb::Source& source = program.client.created[0].source();
  EXPECT_EQ(source.path(), "r.csv");
  EXPECT_EQ(source.on_bad_row(), pb::REJECT);
  EXPECT_EQ(source.max_rejects(), 0.05);
}

TEST(Score, ChecksTheTargetBeforeItAsksForAJob) {
  Program program;
  EXPECT_EQ(program.Run({"score", "c", "-i", "r.csv", "-o", "/no/such/p.csv"}),
            kWrongUsage);
  EXPECT_THAT(program.client.created, IsEmpty());
}

TEST(Score, DoesNotMixJsonIntoItsOutput) {
  Program program;
  EXPECT_EQ(program.Run({"score", "c", "-i", "r.csv", "-o", "-", "--json"}),
            kWrongUsage);
  EXPECT_THAT(program.client.created, IsEmpty());
}

TEST(Score, LeavesNoFileWhenTheJobFails) {
  const TempDirectory directory;
  Program program;
  program.client.updates = {Program::Update("state: FAILED")};
  EXPECT_EQ(
      program.Run({"score", "c", "-i", "r.csv", "-o", directory.Path("p.csv")}),
      kFailed);
  EXPECT_EQ(directory.Files(), 0u);
}

TEST(Evaluate, ShowsMetrics) {
  Program program;
  program.client.updates = {Program::Update(R"(
state: SUCCEEDED pipeline: "cancer@3" report {
  test { metrics { name: "accuracy" value: 0.9 } } })")};
  EXPECT_EQ(program.Run({"evaluate", "cancer", "-i", "r.csv"}), kDone);
  EXPECT_THAT(program.out.str(), HasSubstr("accuracy  0.9000"));
}

TEST(Transform, WritesFeatures) {
  Program program;
  program.AddOutput("radius\n1\n");
  EXPECT_EQ(program.Run({"transform", "cancer", "-i", "r.csv", "-o", "-"}),
            kDone);
  EXPECT_EQ(program.client.created[0].kind(), pb::TRANSFORM);
  EXPECT_EQ(program.out.str(), "radius\n1\n");
}

TEST(Inspect, AsksForOutputOnlyWhereAFileIsNamed) {
  const TempDirectory directory;
  Program report;
  EXPECT_EQ(report.Run({"inspect", "r.csv", "--rows", "3"}), kDone);
  EXPECT_FALSE(report.client.created[0].write_output());
  EXPECT_EQ(report.client.created[0].preview_rows(), 3);
  Program table;
  table.AddOutput("a\n1\n");
  EXPECT_EQ(table.Run({"inspect", "r.csv", "-o", directory.Path("parsed.csv")}),
            kDone);
  EXPECT_TRUE(table.client.created[0].write_output());
  EXPECT_EQ(directory.Read("parsed.csv"), "a\n1\n");
}

TEST(Inspect, TakesADialectByItsFields) {
  Program program;
  EXPECT_EQ(program.Run({"inspect",
                         "r.csv",
                         "--delimiter",
                         "\\t",
                         "--quote",
                         "none",
                         "--escape",
                         "\\",
                         "--encoding",
                         "latin-1",
                         "--skip-rows",
                         "2",
                         "--names",
                         "a,b",
                         "--skip-initial-space",
                         "--thousands",
                         ".",
                         "--decimal",
                         ",",
                         "--true-values",
                         "yes",
                         "--false-values",
                         "no,none",
                         "--on-short-row",
                         "reject",
                         "--no-header",
                         "--na-values",
                         "-99",
                         "--comment",
                         "#",
                         "--no-default-na"}),
            kDone)
      << program.err.str();
  EXPECT_EQ(program.client.created[0].source().csv().ShortDebugString(),
            "delimiter: \"\\t\" decimal: \",\" quote: \"\" comment: \"#\" "
            "na_values: \"-99\" keep_default_na: false header: false "
            "escape: \"\\\\\" encoding: \"latin-1\" skip_rows: 2 names: \"a\" "
            "names: \"b\" skip_initial_space: true thousands: \".\" "
            "true_values: \"yes\" false_values: \"no\" false_values: \"none\" "
            "on_short_row: REJECT");
}

// A pipeline may say otherwise, so what is said reaches the coordinator.
TEST(Inspect, SaysWhatIsAsByDefaultToo) {
  for (const std::string none : {"none", ""}) {
    Program program;
    EXPECT_EQ(
        program.Run({"inspect", "r.csv", "--skip-rows", "0", "--escape", none,
                     "--comment", none, "--thousands", none, "--quote", none}),
        kDone)
        << program.err.str();
    EXPECT_EQ(program.client.created[0].source().csv().ShortDebugString(),
              "quote: \"\" comment: \"\" escape: \"\" skip_rows: 0 "
              "thousands: \"\"");
  }
}

TEST(Inspect, RefusesADialectThatIsNone) {
  for (const std::vector<std::string>& flag :
       std::vector<std::vector<std::string>>{{"--skip-rows", "-1"},
                                             {"--escape", "no"},
                                             {"--delimiter", ""},
                                             {"--decimal", "none"},
                                             {"--delimiter", "ab"}}) {
    Program program;
    EXPECT_EQ(program.Run({"inspect", "r.csv", flag[0], flag[1]}), kWrongUsage)
        << flag[0] << " " << flag[1];
  }
}

TEST(Inspect, GuessesADialectAndSaysSo) {
  const TempDirectory directory;
  directory.Write("export.txt", "a;b\n1;'x;y'\n");
  Program program;
  EXPECT_EQ(program.Run({"inspect", directory.Path("export.txt")}), kDone)
      << program.err.str();
  const pb::Source& source = program.client.created[0].source();
  EXPECT_EQ(source.format(), pb::CSV);
  EXPECT_EQ(source.csv().delimiter(), ";");
  EXPECT_EQ(source.csv().quote(), "'");
  EXPECT_THAT(program.out.str(), HasSubstr("source: {format: csv, csv: {"));
}

TEST(Inspect, DoesNotGuessWhatItIsTold) {
  const TempDirectory directory;
  directory.Write("export.csv", "a;b\n1;2\n");
  Program told;
  EXPECT_EQ(
      told.Run({"inspect", directory.Path("export.csv"), "--delimiter", ","}),
      kDone);
  EXPECT_EQ(told.client.created[0].source().csv().delimiter(), ",");
  directory.Write("usual.csv", "a,b\n1,2\n");
  Program usual;
  EXPECT_EQ(usual.Run({"inspect", directory.Path("usual.csv")}), kDone);
  EXPECT_THAT(usual.out.str(), Not(HasSubstr("guessed")));
}

TEST(Fetch, WritesTheOutputOfAnEarlierJob) {
  Program program;
  program.AddOutput("x\n");
  program.client.job = program.client.updates.back();
  EXPECT_EQ(program.Run({"fetch", "job-1", "-o", "-"}), kDone);
  EXPECT_EQ(program.out.str(), "x\n");
  program.client.job.set_state(pb::RUNNING);
  EXPECT_EQ(program.Run({"fetch", "job-1", "-o", "-"}), kFailed);
}

TEST(Fetch, LeavesTheFileAloneWhereThereIsNoOutput) {
  const TempDirectory directory;
  directory.Write("p.csv", "mine");
  Program program;
  program.client.job = program.client.updates.back();
  program.client.job.set_kind(pb::TRAIN);
  EXPECT_EQ(program.Run({"fetch", "job-1", "-o", directory.Path("p.csv")}),
            kFailed);
  EXPECT_THAT(program.err.str(), HasSubstr("train jobs end with a report"));
  EXPECT_EQ(directory.Read("p.csv"), "mine");
}

TEST(Fetch, RefusesANameOfAnotherFormat) {
  const TempDirectory directory;
  Program program;
  program.AddOutput("x\n");
  program.client.job = program.client.updates.back();
  program.client.job.mutable_manifest()->set_format(pb::CSV);
  EXPECT_EQ(program.Run({"fetch", "job-1", "-o", directory.Path("p.jsonl.gz")}),
            kWrongUsage);
  EXPECT_THAT(program.err.str(), HasSubstr("wrote csv"));
  EXPECT_EQ(directory.Files(), 0u);
  EXPECT_EQ(program.Run({"fetch", "job-1", "-o", directory.Path("p.txt")}),
            kDone);
}

// --- Where results go --------------------------------------------------------

TEST(Output, RefusesEndingsThatItCannotWrite) {
  const TempDirectory directory;
  directory.Write("a.csv", "a,b\n1,2\n");
  for (const char* name : {"p.parquet", "p.json", "p.csv.bz2", "p.xlsx.gz"}) {
    Program program;
    EXPECT_EQ(program.Run({"transform", "cancer", "-i", directory.Path("a.csv"),
                           "-o", directory.Path(name)}),
              kWrongUsage)
        << name;
    EXPECT_THAT(program.err.str(), HasSubstr(".jsonl")) << name;
    EXPECT_EQ(directory.Files(), 1u) << name;
  }
}

TEST(Detach, PrintsTheJobAndLeaves) {
  const TempDirectory directory;
  const std::string table = directory.Write("a.csv", "a,b\n1,2\n");
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"score", "cancer", "-i", table},
           {"transform", "cancer", "-i", table},
           {"evaluate", "cancer", "-i", table},
           {"train", directory.Write("p.yaml", kSpec)}}) {
    Program program;
    std::vector<std::string> words = arguments;
    words.insert(words.end(), {"--detach", "--request-id", "nightly-7"});
    EXPECT_EQ(program.Run(words), kDone) << program.err.str();
    EXPECT_EQ(program.out.str(), "job-1\n");
    EXPECT_EQ(program.client.created[0].request_id(), "nightly-7");
    EXPECT_THAT(program.client.calls, Not(Contains(HasSubstr("WatchJob"))));
  }
  Program program;
  EXPECT_EQ(program.Run({"score", "cancer", "-i", table, "--detach", "-o",
                         directory.Path("p.csv")}),
            kWrongUsage);
  EXPECT_THAT(program.err.str(), HasSubstr("troupe fetch"));
}

TEST(Wait, SaysNothingAndEndsAsTheJobDid) {
  Program done;
  EXPECT_EQ(done.Run({"wait", "job-1"}), kDone);
  EXPECT_EQ(done.out.str() + done.err.str(), "");
  Program cancelled;
  cancelled.client.updates.back().set_state(pb::CANCELLED);
  EXPECT_EQ(cancelled.Run({"wait", "job-1"}), kCancelled);
}

TEST(Output, HoldsWhatIsAskedForUnderAnyName) {
  const TempDirectory directory;
  for (const auto& [path, format] :
       std::vector<std::pair<std::string, std::string>>{{"p.parts", "csv"},
                                                        {"p.json.gz", "jsonl"},
                                                        {"p", ""},
                                                        {"p.2024", ""},
                                                        {".p", ""},
                                                        {"dir.d/p", ""},
                                                        {"p.tsv", ""}})
    EXPECT_EQ((OutputOptions{path, format}.Check()), absl::OkStatus()) << path;
  EXPECT_FALSE((OutputOptions{"p.csv.xz", "csv"}.Check()).ok());
}

TEST(Output, IsNotDoneBeforeItIsWritten) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"--help"}, {"--version"}, {"score", "--help"}, {"jobs"}}) {
    Program program;
    program.out.setstate(std::ios::badbit);  // As after a full disk.
    EXPECT_EQ(program.Run(arguments), kFailed) << arguments[0];
  }
}

// --- jobs, pipelines, the company --------------------------------------------

TEST(Journal, ShowsEventsAndTheBatchesOfAllPages) {
  Program program;
  program.client.journal.add_events()->set_kind("RESUMED");
  program.client.journal.set_planned_batches(2);
  program.client.journal.set_committed_batches(1);
  pb::JournalBatch& done = *program.client.journal.add_batches();
  done.mutable_split()->set_file("a.csv");
  done.set_committed(true);
  done.set_part_end(77);
  program.client.journal.set_next_page_token("1");
  program.client.more_journal.add_batches()->mutable_split()->set_number(1);
  EXPECT_EQ(program.Run({"journal", "j"}), kDone);
  const std::string out = program.out.str();
  EXPECT_THAT(out, HasSubstr("RESUMED"));
  EXPECT_THAT(out, HasSubstr("1 of 2 batches committed"));
  EXPECT_THAT(out, HasSubstr("00000:0-77"));
  EXPECT_THAT(out, HasSubstr("planned"));
}

TEST(Watch, SaysHowAJobThatWaitsForSpaceGoesOn) {
  Program program;
  program.client.updates.resize(1);
  program.client.updates[0].set_id("j");
  program.client.updates[0].set_state(pb::DISK_FULL);
  program.client.updates[0].set_state_message("a disk is full");
  EXPECT_EQ(program.Run({"watch", "j"}), kDiskFull);
  EXPECT_THAT(program.err.str(), HasSubstr("troupe resume j"));
}

TEST(Jobs, ReadsAllPagesUpToTheLimit) {
  Program program;
  program.client.pages.resize(3);
  for (size_t page = 0; page < 3; ++page) {
    for (int i = 0; i < 2; ++i)
      program.client.pages[page].add_jobs()->set_id(
          "job-" + std::to_string(page * 2 + i));
    if (page < 2)
      program.client.pages[page].set_next_page_token(std::to_string(page + 1));
  }
  EXPECT_EQ(program.Run({"jobs", "--limit", "3"}), kDone);
  EXPECT_THAT(program.out.str(), HasSubstr("job-2"));
  EXPECT_THAT(program.out.str(), Not(HasSubstr("job-3")));
}

TEST(Jobs, AsksForWhatTheFiltersSay) {
  Program program;
  EXPECT_EQ(program.Run({"jobs", "churn", "--kind", "score,train", "--state",
                         "failed", "--state", "disk_full"}),
            kDone);
  ASSERT_EQ(program.client.listed.size(), 1u);
  const pb::ListJobsRequest& asked = program.client.listed[0];
  EXPECT_EQ(asked.pipeline(), "churn");
  EXPECT_THAT(asked.kinds(), ElementsAre(pb::SCORE, pb::TRAIN));
  EXPECT_THAT(asked.states(), ElementsAre(pb::FAILED, pb::DISK_FULL));
  EXPECT_THAT(program.err.str(), HasSubstr("no such jobs"));
}

TEST(Jobs, ShowsHowOldEachIs) {
  Program program;
  program.client.pages.resize(1);
  pb::Job& job = *program.client.pages[0].add_jobs();
  job.set_id("j");
  job.set_state(pb::SUCCEEDED);
  job.mutable_create_time()->set_seconds(
      absl::ToUnixSeconds(program.clock.Now()) - 3 * 3600);
  EXPECT_EQ(program.Run({"jobs"}), kDone);
  EXPECT_THAT(program.out.str(), HasSubstr("3 h"));
}

TEST(Jobs, NamesTheNearestWordOfAFilter) {
  Program program;
  EXPECT_EQ(program.Run({"jobs", "--state", "runing"}), kWrongUsage);
  EXPECT_THAT(program.err.str(), HasSubstr("\"running\""));
  Program versioned;
  EXPECT_EQ(versioned.Run({"jobs", "churn@2"}), kWrongUsage);
}

TEST(Watch, PrintsALineOfJsonForEveryChange) {
  Program program;
  EXPECT_EQ(program.Run({"watch", "job-1", "--json"}), kDone);
  std::istringstream lines(program.out.str());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_TRUE(IsJson(line)) << line;
  EXPECT_EQ(count, 2);
}

TEST(Watch, ShowsAStalledJob) {
  Program program;
  program.client.updates.insert(
      program.client.updates.begin(),
      Program::Update("state: STALLED state_message: 'no replica of model'"));
  program.Run({"watch", "job-1"});
  EXPECT_THAT(program.err.str(), HasSubstr("STALLED: no replica of model"));
}

TEST(Watch, SaysSoWhenTheEndWasNotSeen) {
  Program program;
  program.client.updates.pop_back();
  EXPECT_EQ(program.Run({"watch", "job-1"}), kFailed);
  EXPECT_THAT(program.err.str(), HasSubstr("troupe watch job-1"));
}

TEST(Cancel, AndTheOthersCallWhatTheyAreNamedAfter) {
  Program program;
  program.client.job = Program::Update("state: CANCELLING");
  program.Run({"cancel", "j"});
  program.client.job.set_id("j");
  program.Run({"delete", "j"});
  program.Run({"delete", "cancer@1"});
  program.Run({"resume", "j"});
  program.Run({"stop"});
  program.Run({"stop", "--now"});
  EXPECT_THAT(
      program.client.calls,
      ElementsAre("CancelJob j", "GetJob j", "DeleteJob j",
                  "GetPipeline cancer@1", "DeletePipeline cancer@1",
                  "ResumeJob j", "WatchJob j", "Stop DRAIN", "Stop NOW"));
}

TEST(Delete, SaysThatThereIsNothingOfThatName) {
  Program program;
  program.client.error =
      MakeError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "no job \"j\"");
  EXPECT_EQ(program.Run({"delete", "j"}), kFailed);
  EXPECT_THAT(program.err.str(), HasSubstr("\"j\""));
  EXPECT_THAT(program.out.str() + program.err.str(), Not(HasSubstr("deleted")));
}

TEST(Status, ShowsReplicasAndStagesWithoutAny) {
  Program program;
  ASSERT_TRUE(TextFormat::ParseFromString(R"(
stages { name: "loader" target: "dns:loader:1" replicas {
  address: "ipv4:127.0.0.1:50051" serving: true outstanding: 2
  rows_per_second: 12345.6
  stats { state: READY rss_bytes: 1048576
          lanes { name: "batch" depth: 3 capacity: 64 running_method: "Load"
                  running_seconds: 1.25 } } } }
stages { name: "model" target: "dns:model:1" })",
                                          &program.client.topology));
  EXPECT_EQ(program.Run({"status"}), kDone);
  for (const char* part : {"batch 3/64", "ready", "12,345", "1.0 MiB",
                           "Load 1.", "no replica at dns:model:1"})
    EXPECT_THAT(program.out.str(), HasSubstr(part));
}

TEST(Pipelines, AndShowPrintJson) {
  Program program;
  program.client.pipelines.add_pipelines()->set_name("cancer");
  EXPECT_EQ(program.Run({"pipelines", "--json"}), kDone);
  EXPECT_TRUE(IsJson(program.out.str()));
  Program show;
  EXPECT_EQ(show.Run({"show", "cancer@3", "--json"}), kDone);
  EXPECT_TRUE(IsJson(show.out.str()));
  EXPECT_THAT(show.client.calls, ElementsAre("GetPipeline cancer@3"));
}

TEST(Health, TellsServingFromNot) {
  Program serving;
  EXPECT_EQ(serving.Run({"health"}), kDone);
  EXPECT_EQ(serving.out.str(), "serving\n");
  Program draining;
  draining.client.health = absl::UnavailableError("NOT_SERVING");
  EXPECT_EQ(draining.Run({"health", "--service", "x"}), kFailed);
  EXPECT_EQ(draining.out.str(), "not serving\n");
  Program gone;
  gone.client.error = MakeError(absl::StatusCode::kUnavailable,
                                "COORDINATOR_UNREACHABLE", "nobody");
  EXPECT_EQ(gone.Run({"health"}), kUnreachable);
}

TEST(Program, IsQuietWhenAsked) {
  const TempDirectory directory;
  Program program;
  program.AddOutput("x\n");
  program.Run(
      {"score", "c", "-i", "r.csv", "-o", directory.Path("p.csv"), "-q"});
  EXPECT_EQ(program.err.str(), "");
}

}  // namespace
}  // namespace troupe
