// Reads a CSV file that it makes itself, as the loader reads it: planned
// (types inferred, and pinned) and loaded, end to end from file to wire. Prints
// one line of JSON: GB/s per core of the block reader and of the scalar machine
// beside it, interleaved, and what one is to the other. "scan" is a plan with
// pinned types: it finds records and makes checksums and the file's digest,
// which alone is "digest".
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/host/resumable_sha256.h"
#include "services/loader/loader.h"

ABSL_FLAG(std::string, input, "floats",
          "floats: columns of fractions; digits: the same with all their "
          "digits; mixed: numbers, words, quotes");
ABSL_FLAG(int, columns, 30, "of floats and of digits");
ABSL_FLAG(int64_t, megabytes, 32, "size of the input");
ABSL_FLAG(int, repetitions, 7, "how often each side is measured");

namespace troupe::loader {
namespace {

using Random = std::mt19937_64;

int Below(Random& random, int bound) {
  return std::uniform_int_distribution<int>(0, bound - 1)(random);
}

std::string Header(int columns) {
  std::string line = "c0";
  for (int i = 1; i < columns; ++i) absl::StrAppend(&line, ",c", i);
  return line + "\n";
}

void AppendFloatRow(Random& random, int columns, bool all_digits,
                    std::string* text) {
  std::normal_distribution<double> normal(0, 10);
  for (int i = 0; i < columns; ++i) {
    if (i > 0) *text += ',';
    if (all_digits)
      absl::StrAppendFormat(text, "%.17g", normal(random));
    else
      absl::StrAppendFormat(text, "%.6f", normal(random));
  }
  *text += '\n';
}

// Keys, amounts, flags, categories, quoted sentences with commas and quotes in
// them, and missing cells.
void AppendMixedRow(Random& random, std::string* text) {
  static constexpr const char* kCities[] = {"Oslo",     "Lima",        "Paris",
                                            "New York", "Addis Ababa", "Perth"};
  static constexpr const char* kNotes[] = {
      "\"paid, late\"", "\"the \"\"good\"\" one\"", "none of it", "",
      "\"second\nline\""};
  for (int group = 0; group < 4; ++group) {
    absl::StrAppendFormat(text, "%s%d,%.2f,", group == 0 ? "" : ",",
                          Below(random, 1'000'000'000),
                          Below(random, 10'000'000) / 100.0);
    absl::StrAppend(text, Below(random, 10) == 0 ? "NA" : "17", ",",
                    Below(random, 2) == 0 ? "true" : "false", ",",
                    kCities[Below(random, 6)], ",", kNotes[Below(random, 5)]);
    absl::StrAppendFormat(text, ",u%08x", Below(random, 1 << 30));
  }
  *text += '\n';
}

std::string MakeInput(const std::string& kind, size_t bytes) {
  Random random(4);
  const bool mixed = kind == "mixed";
  const int columns = absl::GetFlag(FLAGS_columns);
  std::string text = Header(mixed ? 28 : columns);
  while (text.size() < bytes)
    mixed ? AppendMixedRow(random, &text)
          : AppendFloatRow(random, columns, kind == "digits", &text);
  return text;
}

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
  std::exit(1);
}

// One loader over the input, and how long its calls took, seconds each.
class Side {
 public:
  Side(LoaderOptions options, std::string path) : loader_(std::move(options)) {
    source_.set_path(std::move(path));
    if (!loader_.OnStart().ok()) std::exit(1);
  }

  void Repeat() {
    const double begin = CpuSeconds();
    const std::vector<pb::Split> splits = Plan(/*pinned=*/false);
    const double planned = CpuSeconds();
    Plan(/*pinned=*/true);
    const double scanned = CpuSeconds();
    for (const pb::Split& split : splits) Load(split);
    plan.push_back(planned - begin);
    scan.push_back(scanned - planned);
    load.push_back(CpuSeconds() - scanned);
  }

  std::vector<double> plan;
  std::vector<double> scan;
  std::vector<double> load;

 private:
  std::vector<pb::Split> Plan(bool pinned) {
    std::vector<pb::Split> splits;
    pb::PlanRequest request;
    *request.mutable_source() = source_;
    if (pinned) *request.mutable_pinned() = schema_;
    pb::PlanResponse page;
    do {
      page = Must(loader_.Plan(request, context_));
      splits.insert(splits.end(), page.splits().begin(), page.splits().end());
      request.set_cursor(page.next_cursor());
    } while (!page.next_cursor().empty());
    schema_ = page.schema();
    return splits;
  }

  void Load(const pb::Split& split) {
    pb::LoadRequest request;
    *request.mutable_source() = source_;
    *request.mutable_split() = split;
    *request.mutable_schema() = schema_;
    for (const pb::Field& field : schema_.fields())
      request.add_source_columns(field.name());
    Must(loader_.Load(request, context_));
  }

  const Context context_{{}, std::make_shared<CancelToken>()};
  Loader loader_;
  pb::Source source_;
  pb::Schema schema_;
};

// How long the digest of the text takes, which planning makes on the way.
double DigestSeconds(const std::string& text) {
  const double begin = CpuSeconds();
  ResumableSha256 digest;
  digest.Update(text);
  return digest.HexDigest().empty() ? 0 : CpuSeconds() - begin;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// `name`: median speeds, their ratio, and how far the ratios of single
// repetitions lie apart.
std::string Row(const std::string& name, double gigabytes,
                const std::vector<double>& ours,
                const std::vector<double>& scalar) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i)
    ratios.push_back(scalar[i] / ours[i]);
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  return absl::StrFormat(
      "\"%s\": {\"ours\": %.3f, \"scalar\": %.3f, \"ratio\": %.2f, "
      "\"spread\": [%.2f, %.2f]}",
      name, gigabytes / Median(ours), gigabytes / Median(scalar),
      Median(ratios), *low, *high);
}

int Run() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      absl::StrCat("bench_csv_", static_cast<int64_t>(getpid()));
  std::filesystem::create_directory(folder);
  const std::string kind = absl::GetFlag(FLAGS_input);
  const std::string text = MakeInput(
      kind, static_cast<size_t>(absl::GetFlag(FLAGS_megabytes)) << 20);
  std::ofstream(folder / "t.csv", std::ios::binary) << text;
  LoaderOptions options;
  options.roots = {folder.string()};
  Side ours(options, "t.csv");
  options.simd = SimdLevel::kNone;
  Side scalar(options, "t.csv");
  std::vector<double> digest;
  for (int i = 0; i < absl::GetFlag(FLAGS_repetitions); ++i) {
    ours.Repeat();
    scalar.Repeat();
    digest.push_back(DigestSeconds(text));
  }
  std::filesystem::remove_all(folder);
  const double gigabytes = static_cast<double>(text.size()) * 1e-9;
  absl::PrintF(
      "{\"bench\": \"csv\", \"input\": \"%s\", \"unit\": \"GB/s per core\", "
      "%s, %s, %s, \"digest\": %.3f, \"scan_over_load\": %.3f, "
      "\"scan_without_digest_over_load\": %.3f}\n",
      kind, Row("load", gigabytes, ours.load, scalar.load),
      Row("plan", gigabytes, ours.plan, scalar.plan),
      Row("scan", gigabytes, ours.scan, scalar.scan),
      gigabytes / Median(digest), Median(ours.scan) / Median(ours.load),
      (Median(ours.scan) - Median(digest)) / Median(ours.load));
  return 0;
}

}  // namespace
}  // namespace troupe::loader

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return troupe::loader::Run();
}
