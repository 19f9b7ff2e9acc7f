// What the loader's tests share: files in a directory of their own, a loader
// that may read them, and a whole input read split by split.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/loader.h"
#include "services/table/wire.h"
#include "tests/testing/rejected.h"

namespace troupe::loader {

// A directory that is gone after the test.
class InputFolder {
 public:
  InputFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "loader_test_XXXXXX");
    path_ = mkdtemp(name.data());
  }
  ~InputFolder() { std::filesystem::remove_all(path_); }
  InputFolder(const InputFolder&) = delete;
  InputFolder& operator=(const InputFolder&) = delete;

  // Writes a file and returns its path below the folder.
  std::string Write(const std::string& name, absl::string_view text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream out(path_ / name, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    return name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline const Context& NoContext() {
  static const Context context({}, std::make_shared<CancelToken>());
  return context;
}

// A started loader below a folder of its own.
struct LoaderBelowFolder {
  LoaderBelowFolder() : LoaderBelowFolder(LoaderOptions()) {}
  explicit LoaderBelowFolder(LoaderOptions options) {
    options.roots = {folder.path().string()};
    loader = std::make_unique<Loader>(options);
    const absl::Status started = loader->OnStart();
    if (!started.ok()) std::abort();
  }
  absl::StatusOr<pb::PlanResponse> Plan(pb::PlanRequest request) {
    return loader->Plan(request, NoContext());
  }
  absl::StatusOr<pb::LoadResponse> Load(pb::LoadRequest request) {
    return loader->Load(request, NoContext());
  }

  InputFolder folder;
  std::unique_ptr<Loader> loader;
};

// All pages of a plan.
struct WholePlan {
  std::vector<pb::Split> splits;
  std::vector<pb::FileDigest> digests;
  pb::PlanResponse last;  // The last page: final schema and counts.
  int pages = 0;
};

inline absl::StatusOr<WholePlan> PlanAll(Loader& loader,
                                         pb::PlanRequest request) {
  WholePlan plan;
  do {
    ASSIGN_OR_RETURN(plan.last, loader.Plan(request, NoContext()));
    plan.splits.insert(plan.splits.end(), plan.last.splits().begin(),
                       plan.last.splits().end());
    plan.digests.insert(plan.digests.end(), plan.last.digests().begin(),
                        plan.last.digests().end());
    request.set_cursor(plan.last.next_cursor());
    ++plan.pages;
  } while (!plan.last.next_cursor().empty());
  return plan;
}

// The value as text: "<missing>", true, 7, 0.5 (%.17g), or the string itself.
inline std::string Shown(const Column& column, int64_t i) {
  if (column.IsNull(i)) return "<missing>";
  const auto k = static_cast<size_t>(i);
  switch (column.type()) {
    case pb::BOOL:
      return column.boolean(i) ? "true" : "false";
    case pb::INT64:
      return absl::StrCat(column.int64s()[k]);
    case pb::DATE:
    case pb::TIMESTAMP: {
      std::string text;
      AppendTime(column.type(), column.int64s()[k], &text);
      return text;
    }
    case pb::FLOAT64:
      return absl::StrFormat("%.17g", column.doubles()[k]);
    default: {
      const absl::string_view text = column.text(i);
      return std::string(text.data(), text.size());
    }
  }
}

struct WholeInput {
  std::vector<std::string> names;
  std::vector<std::string> types;
  std::vector<std::vector<std::string>> rows;  // Shown values, row by row.
  std::vector<int64_t> ordinals;
  std::vector<std::string> rejected;  // "ROW REASON MESSAGE".
  int64_t planned_rows = 0;
  size_t splits = 0;
};

// The request that loads `split` with the columns of `schema`.
inline pb::LoadRequest LoadRequestFor(const pb::Source& source,
                                      const pb::Split& split,
                                      const pb::Schema& columns,
                                      const pb::Schema& schema) {
  pb::LoadRequest request;
  *request.mutable_source() = source;
  *request.mutable_split() = split;
  *request.mutable_schema() = schema;
  for (const pb::Field& field : columns.fields())
    request.add_source_columns(field.name());
  return request;
}

inline absl::Status AppendLoaded(const pb::LoadResponse& response,
                                 WholeInput* whole) {
  ASSIGN_OR_RETURN(const Table table, ParseTable(response.table()));
  for (int64_t i = 0; i < table.rows; ++i) {
    std::vector<std::string>& row = whole->rows.emplace_back();
    for (const Column& column : table.columns) row.push_back(Shown(column, i));
    whole->ordinals.push_back(table.Ordinal(i));
  }
  for (const pb::RejectedRow& row : RejectedOf(response))
    whole->rejected.push_back(
        absl::StrCat(row.row(), " ", row.reason(), " ", row.message()));
  return absl::OkStatus();
}

// Plans and loads everything. `pinned`, where it has fields, is the schema.
inline absl::StatusOr<WholeInput> ReadAll(Loader& loader,
                                          const pb::Source& source,
                                          int64_t split_bytes = 0,
                                          const pb::Schema& pinned = {}) {
  pb::PlanRequest plan_request;
  *plan_request.mutable_source() = source;
  plan_request.set_split_bytes(split_bytes);
  if (pinned.fields_size() > 0) *plan_request.mutable_pinned() = pinned;
  ASSIGN_OR_RETURN(const WholePlan plan, PlanAll(loader, plan_request));
  const pb::Schema& columns = plan.last.schema();
  WholeInput whole;
  whole.planned_rows = plan.last.rows();
  whole.splits = plan.splits.size();
  for (const pb::Field& field : columns.fields()) {
    whole.names.push_back(field.name());
    const absl::string_view type = TypeName(field.type());
    whole.types.emplace_back(type.data(), type.size());
  }
  for (const pb::Split& split : plan.splits) {
    pb::LoadRequest request = LoadRequestFor(
        source, split, columns, pinned.fields_size() > 0 ? pinned : columns);
    ASSIGN_OR_RETURN(const pb::LoadResponse response,
                     loader.Load(request, NoContext()));
    RETURN_IF_ERROR(AppendLoaded(response, &whole));
  }
  return whole;
}

inline pb::Source SourceAt(const std::string& path) {
  pb::Source source;
  source.set_path(path);
  return source;
}

inline pb::PlanRequest PlanRequestFor(const pb::Source& source,
                                      int64_t split_bytes = 0) {
  pb::PlanRequest request;
  *request.mutable_source() = source;
  request.set_split_bytes(split_bytes);
  return request;
}

// Reads `text` as the file "t.csv" (or another name).
inline absl::StatusOr<WholeInput> ReadText(absl::string_view text,
                                           const std::string& name = "t.csv",
                                           const pb::CsvOptions& csv = {}) {
  LoaderBelowFolder setup;
  pb::Source source = SourceAt(setup.folder.Write(name, text));
  *source.mutable_csv() = csv;
  return ReadAll(*setup.loader, source);
}

// "REASON: message" of an error, "OK" otherwise.
template <typename T>
std::string Failure(const absl::StatusOr<T>& result) {
  if (result.ok()) return "OK";
  const absl::string_view message = result.status().message();
  return absl::StrCat(ReasonOf(result.status()), ": ",
                      std::string(message.data(), message.size()));
}

}  // namespace troupe::loader
