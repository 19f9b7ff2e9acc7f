// Does one fixed piece of work, for tests/bench/instructions.py to count the
// instructions of: `bench_instructions parse|transform|mailbox`. What is
// counted happens in Measured(); `bench_instructions compiler` tells who
// compiled it, since budgets hold for one compiler.
//
// The loader's block reader is told to use AVX2, not asked what is best here:
// the same path everywhere, or none (exit code 77).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/actor/actor_thread.h"
#include "services/actor/mailbox.h"
#include "services/loader/loader.h"
#include "tests/unit/preprocessor/columns.h"
#include "tests/unit/preprocessor/fit_loop.h"

// Known by this name to instructions.py; never inlined, so that it is a call.
extern "C" __attribute__((noinline)) void Measured(
    const std::function<void()>& work) {
  work();
}

namespace troupe {
namespace {

constexpr int kSkip = 77;

// The same numbers with every library.
class Sequence {
 public:
  uint32_t Below(uint32_t bound) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<uint32_t>(state_ >> 33) % bound;
  }
  double Fraction() { return Below(2'000'000) / 1e5 - 10; }

 private:
  uint64_t state_ = 4;
};

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
  std::exit(1);
}
void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

std::string Csv(int rows) {
  static constexpr const char* kWords[] = {"Oslo", "Lima", "\"a, b\"", "NA"};
  Sequence sequence;
  std::string text = "a,b,c,d,e,f,g,h\n";
  for (int row = 0; row < rows; ++row) {
    for (int i = 0; i < 5; ++i)
      absl::StrAppendFormat(&text, "%.5f,", sequence.Fraction());
    absl::StrAppend(&text, sequence.Below(1'000'000), ",",
                    kWords[sequence.Below(4)], ",u", sequence.Below(1 << 30),
                    "\n");
  }
  return text;
}

// Text to a serialized table of eight columns.
int Parse() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("pclmul")) {
    std::fprintf(stderr, "this processor has no AVX2\n");
    return kSkip;
  }
  char folder[] = "/tmp/bench_instructions.XXXXXX";
  if (mkdtemp(folder) == nullptr) return 1;
  std::ofstream(absl::StrCat(folder, "/t.csv"), std::ios::binary) << Csv(5'000);
  loader::LoaderOptions options;
  options.roots = {folder};
  options.simd = loader::SimdLevel::kAvx2;
  loader::Loader loader(options);
  Must(loader.OnStart());
  const Context context{{}, std::make_shared<CancelToken>()};
  pb::PlanRequest plan;
  plan.mutable_source()->set_path("t.csv");
  pb::PlanResponse page = Must(loader.Plan(plan, context));
  std::vector<pb::Split> splits(page.splits().begin(), page.splits().end());
  while (!page.next_cursor().empty()) {
    plan.set_cursor(page.next_cursor());
    page = Must(loader.Plan(plan, context));
    splits.insert(splits.end(), page.splits().begin(), page.splits().end());
  }
  pb::LoadRequest load;
  *load.mutable_source() = plan.source();
  *load.mutable_schema() = page.schema();
  for (const pb::Field& field : page.schema().fields())
    load.add_source_columns(field.name());
  for (const pb::Split& split : splits) {
    *load.mutable_split() = split;
    Measured([&] { Must(loader.Load(load, context)); });
  }
  std::filesystem::remove_all(folder);
  return splits.empty() ? 1 : 0;
}

// A table of ten numbers and a word through three fitted steps to a matrix.
int Transform() {
  static constexpr const char* kWords[] = {"Oslo", "Lima", "Paris", "Perth"};
  constexpr int kRows = 5'000;
  Sequence sequence;
  preprocessor::TableMaker maker;
  for (int i = 0; i < 10; ++i) {
    std::vector<double> values;
    for (int row = 0; row < kRows; ++row)
      values.push_back(sequence.Below(50) == 0 ? preprocessor::kNaN
                                               : sequence.Fraction());
    maker.Add(absl::StrCat("x", i), preprocessor::Doubles(std::move(values)));
  }
  std::vector<std::optional<std::string>> words;
  for (int row = 0; row < kRows; ++row)
    words.emplace_back(kWords[sequence.Below(4)]);
  const Table table = maker.Add("city", preprocessor::Texts(words)).Make();
  preprocessor::FitLoop loop(preprocessor::Params(
      "steps { impute { columns { names: 'x*' } strategy: MEAN } } "
      "steps { standardize { columns { names: 'x*' } } } "
      "steps { one_hot { columns { names: 'city' } } } makes_features: true"));
  Must(loop.Fit(table));
  Table copy = table;
  pb::ProcessResponse response;
  Measured([&] { response = Must(loop.Process(std::move(copy), pb::MATRIX)); });
  return response.rows() == kRows ? 0 : 1;
}

class Answerer : public Actor {
 public:
  absl::StatusOr<Reply> OnReceive(Message&, const Context&) override {
    return Reply();
  }
};

// Messages through a mailbox and an actor, eight waiting at a time.
int MailboxTurns() {
  constexpr int kMessages = 8'000;
  Answerer actor;
  Mailbox mailbox({"bench", 64, 1 << 20}, Clock::Real(),
                  std::make_shared<Stats>());
  ActorThread thread("bench", &mailbox, &actor, Clock::Real());
  mailbox.Open();
  int answered = 0;
  Measured([&] {
    for (int sent = 0; sent < kMessages; sent += 8) {
      for (int i = 0; i < 8; ++i)
        Must(mailbox.Push(std::make_shared<Envelope>(
            Message{"troupe.v1.Stage/Process", nullptr, 100}, CallInfo(),
            std::make_shared<CancelToken>(),
            [&](const absl::StatusOr<Reply>& reply) {
              answered += reply.ok() ? 1 : 0;
            })));
      while (thread.HandleNext(Wait::kNot)) {
      }
    }
  });
  return answered == kMessages ? 0 : 1;
}

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  const std::string work = argc == 2 ? argv[1] : "";
  if (work == "parse") return troupe::Parse();
  if (work == "transform") return troupe::Transform();
  if (work == "mailbox") return troupe::MailboxTurns();
  if (work == "compiler") {
#ifdef __clang__
    std::printf("clang-%d\n", __clang_major__);
#else
    std::printf("gcc-%d\n", __GNUC__);
#endif
    return 0;
  }
  std::fprintf(stderr,
               "usage: bench_instructions parse|transform|mailbox|compiler\n");
  return 2;
}
