#include "services/preprocessor/fitting.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/serialize.h"

namespace troupe::preprocessor {
namespace {

constexpr int kPartialFormat = 2;
constexpr int kMaxPartials = 64;
constexpr int64_t kMaxPartialsBytes = int64_t{64} << 20;

using Statistics = std::vector<pb::ColumnStatistics>;

// The column to blame for a partial that is too large.
const std::string& LargestColumn(const Plan& plan,
                                 const pb::FitPartial& partial) {
  int largest = 0;
  for (int i = 1; i < partial.columns_size(); ++i)
    if (partial.columns(i).ByteSizeLong() >
        partial.columns(largest).ByteSizeLong())
      largest = i;
  return plan.observations()[static_cast<size_t>(largest)].field.name;
}

absl::StatusOr<pb::FitPartial> ParsePartial(const Plan& plan,
                                            absl::string_view state,
                                            const std::string& bytes) {
  pb::FitPartial partial;
  if (!partial.ParseFromString(bytes) || partial.format() != kPartialFormat)
    return BadMessage("malformed partial: not one of this version");
  if (partial.state() != state)
    return BadMessage("malformed partial: it belongs to another pass");
  const std::vector<Observation>& observations = plan.observations();
  if (static_cast<size_t>(partial.columns_size()) != observations.size())
    return BadMessage("malformed partial: another number of columns");
  for (size_t i = 0; i < observations.size(); ++i)
    RETURN_IF_ERROR(
        CheckStatistics(partial.columns(static_cast<int>(i)),
                        observations[i].field.type, observations[i].needs,
                        &observations[i].search, observations[i].limits));
  return partial;
}

// Order statistics that the needs come down to, rising, without repeats.
std::vector<int64_t> RanksOf(const Needs& needs, int64_t count) {
  std::vector<int64_t> ranks;
  if (needs.median) ranks = {(count - 1) / 2, count / 2};
  for (const double share : needs.quantiles) {
    const Rank rank = RankOf(share, count);
    ranks.push_back(rank.below);
    ranks.push_back(rank.above);
  }
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

void TakeQuantiles(const Needs& needs, int64_t count,
                   const std::vector<int64_t>& ranks,
                   const std::vector<double>& found, Summary& summary) {
  const auto at = [&](int64_t rank) {
    const auto place = std::lower_bound(ranks.begin(), ranks.end(), rank);
    return found[static_cast<size_t>(place - ranks.begin())];
  };
  if (needs.median) {
    const double low = at((count - 1) / 2);
    const double high = at(count / 2);
    // The mean of two, which the sum of large ones would overflow.
    const double sum = low + high;
    summary.median = std::isinf(sum) ? low / 2 + high / 2 : sum / 2;
  }
  for (const double share : needs.quantiles) {
    const Rank rank = RankOf(share, count);
    summary.quantiles.push_back(
        Interpolate(at(rank.below), at(rank.above), rank.fraction));
  }
}

// Fills in median and quantiles, or returns the search that goes on.
absl::StatusOr<std::optional<pb::QuantileSearch>> FindQuantiles(
    const Observation& observation, const pb::ColumnStatistics& statistics,
    Summary& summary) {
  const Needs& needs = observation.needs;
  const int64_t count = summary.present();
  if (!needs.order()) return std::nullopt;
  if (count == 0) {
    summary.quantiles.assign(needs.quantiles.size(),
                             std::numeric_limits<double>::quiet_NaN());
    return std::nullopt;
  }
  const std::vector<int64_t> ranks = RanksOf(needs, count);
  ASSIGN_OR_RETURN(SearchStep step,
                   Narrow(observation.search, statistics.quantiles(), ranks,
                          count, observation.limits));
  if (!step.next.has_value())
    TakeQuantiles(needs, count, ranks, step.found, summary);
  return std::move(step.next);
}

absl::Status NoRows(const Observation& observation) {
  return WithMetadata(
      MakeError(absl::StatusCode::kInvalidArgument, "NO_TRAINING_ROWS",
                absl::StrCat(observation.path,
                             ": no training row is left for "
                             "column \"",
                             observation.field.name,
                             "\"; are all rows rejected, or all in the test "
                             "split?")),
      "field", observation.path);
}

}  // namespace

absl::StatusOr<std::string> SerializePartial(const Plan& plan,
                                             absl::string_view state,
                                             Statistics columns) {
  pb::FitPartial partial;
  partial.set_format(kPartialFormat);
  partial.set_state(std::string(state));
  for (pb::ColumnStatistics& column : columns)
    *partial.add_columns() = std::move(column);
  if (static_cast<int64_t>(partial.ByteSizeLong()) > kMaxPartialBytes) {
    const std::string& name = LargestColumn(plan, partial);
    return MakeError(
        absl::StatusCode::kInvalidArgument, "TOO_MANY_CATEGORIES",
        absl::StrCat("the statistics of one pass exceed ",
                     kMaxPartialBytes >> 20, " MiB; column \"", name,
                     "\" takes the most: is it an identifier? carry or drop "
                     "it"),
        {{"column", name}});
  }
  return Serialize(partial);
}

absl::StatusOr<Statistics> JoinPartials(
    const Plan& plan, absl::string_view state,
    google::protobuf::RepeatedPtrField<std::string>* partials) {
  int64_t bytes = 0;
  for (const std::string& partial : *partials)
    bytes += static_cast<int64_t>(partial.size());
  if (partials->size() > kMaxPartials || bytes > kMaxPartialsBytes)
    return BadMessage("a merge takes at most 64 partials of 64 MiB together");
  Statistics sum(plan.observations().size());
  for (std::string& one : *partials) {
    ASSIGN_OR_RETURN(pb::FitPartial partial, ParsePartial(plan, state, one));
    std::string().swap(one);
    RETURN_IF_ERROR(AddStatistics(
        plan,
        Statistics(std::make_move_iterator(partial.mutable_columns()->begin()),
                   std::make_move_iterator(partial.mutable_columns()->end())),
        sum));
  }
  return sum;
}

absl::Status AddStatistics(const Plan& plan, Statistics next, Statistics& sum) {
  const std::vector<Observation>& observations = plan.observations();
  for (size_t i = 0; i < observations.size(); ++i)
    RETURN_IF_ERROR(MergeStatistics(observations[i].field.name,
                                    std::move(next[i]), &observations[i].search,
                                    observations[i].limits, sum[i]));
  return absl::OkStatus();
}

absl::StatusOr<pb::FittedPreprocessor> FinishPass(
    const Plan& plan, Statistics columns, std::vector<std::string>& warnings) {
  pb::FittedPreprocessor known = plan.known();
  // Searches of columns that had to wait go on as they are.
  std::vector<pb::QuantileSearch> searches(known.searches().begin(),
                                           known.searches().end());
  for (size_t i = 0; i < columns.size(); ++i) {
    const Observation& observation = plan.observations()[i];
    std::erase_if(searches, [&](const pb::QuantileSearch& search) {
      return search.step() == observation.step &&
             search.column() == observation.field.name;
    });
    Summary summary = Summarize(columns[i]);
    if (summary.rows == 0) return NoRows(observation);
    ASSIGN_OR_RETURN(std::optional<pb::QuantileSearch> next,
                     FindQuantiles(observation, columns[i], summary));
    if (next.has_value()) {
      next->set_step(observation.step);
      next->set_column(observation.field.name);
      searches.push_back(*std::move(next));
      continue;
    }
    ASSIGN_OR_RETURN(pb::FittedColumn fitted,
                     observation.transform->Fit(observation.field, summary,
                                                observation.path, warnings));
    fitted.set_name(observation.field.name);
    *known.mutable_steps(observation.step)->add_columns() = std::move(fitted);
  }
  known.mutable_searches()->Assign(searches.begin(), searches.end());
  return known;
}

}  // namespace troupe::preprocessor
