#include "client/coordinator/stages/stage_flag.h"

#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

std::vector<std::string>& CollectedStages() {
  static auto* const stages = new std::vector<std::string>;
  return *stages;
}

}  // namespace
}  // namespace troupe

ABSL_FLAG(std::vector<std::string>, stage, {},
          "where stages run: NAME=TARGET,NAME=TARGET,..., or the flag once for "
          "each; a target is dns:HOST:PORT, HOST:PORT,HOST:PORT,... or "
          "file:PATH. Default: loader, preprocessor and model at "
          "127.0.0.1:50051, 50052, 50053")
    .OnUpdate([] {
      for (const std::string& stage : absl::GetFlag(FLAGS_stage))
        troupe::CollectedStages().push_back(stage);
    });

namespace troupe {
namespace {

bool BeginsWithName(absl::string_view text) {
  const size_t equals = text.find('=');
  return equals != absl::string_view::npos && equals > 0 &&
         text.substr(0, equals).find_first_of(":/") == absl::string_view::npos;
}

std::string NameOf(const std::string& stage) {
  return stage.substr(0, stage.find('='));
}

}  // namespace

const std::vector<std::string>& GivenStages() { return CollectedStages(); }

absl::StatusOr<std::vector<std::string>> StageTargets(
    const std::vector<std::string>& given) {
  std::vector<std::string> joined;
  for (const std::string& entry : given) {
    if (entry.empty()) continue;
    if (BeginsWithName(entry)) {
      joined.push_back(entry);
    } else if (joined.empty()) {
      return BadSpec("--stage",
                     absl::StrCat("\"", entry, "\" is not NAME=TARGET"));
    } else {
      absl::StrAppend(&joined.back(), ",", entry);
    }
  }
  std::vector<std::string> ordered = {"loader=127.0.0.1:50051",
                                      "preprocessor=127.0.0.1:50052",
                                      "model=127.0.0.1:50053"};
  for (const std::string& stage : joined) {
    size_t place = 0;
    while (place < ordered.size() && NameOf(ordered[place]) != NameOf(stage))
      ++place;
    if (place < ordered.size()) {
      ordered[place] = stage;
    } else {
      ordered.insert(ordered.end() - 1, stage);
    }
  }
  return ordered;
}

}  // namespace troupe
