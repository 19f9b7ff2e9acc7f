#include "services/host/text_reply.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/table/table_text.h"

namespace troupe {
namespace {

absl::Status CheckColumns(const pb::TextForm& form, const Schema& schema) {
  bool same = static_cast<size_t>(form.columns_size()) == schema.size();
  for (size_t i = 0; same && i < schema.size(); ++i)
    same = form.columns(static_cast<int>(i)) == schema[i].name;
  if (same) return absl::OkStatus();
  return absl::InternalError(
      "the last stage answered a batch with other columns than it said");
}

}  // namespace

absl::Status TextTooLarge(int64_t bytes, int64_t max_bytes) {
  return MakeError(
      absl::StatusCode::kResourceExhausted, "TEXT_TOO_LARGE",
      absl::StrCat("the rows are ", bytes, " bytes of text or more and may be ",
                   max_bytes, " (--max_batch_bytes of the coordinator)"));
}

absl::StatusOr<std::string> Render(const pb::TextForm& form,
                                   const Table& table) {
  RETURN_IF_ERROR(CheckColumns(form, table.schema));
  constexpr auto kMost = static_cast<int64_t>(kMaxSerializedBytes);
  const int64_t max_bytes =
      form.max_bytes() > 0 ? std::min(form.max_bytes(), kMost) : kMost;
  std::string text;
  AppendRows(table, form.output().format(), &text,
             static_cast<size_t>(max_bytes));
  const auto bytes = static_cast<int64_t>(text.size());
  if (bytes > max_bytes) return TextTooLarge(bytes, max_bytes);
  return text;
}

absl::Status SetTable(const pb::ProcessRequest& request, Table table,
                      pb::ProcessResponse& response) {
  if (!request.has_text()) {
    ASSIGN_OR_RETURN(*response.mutable_table(),
                     SerializeTable(std::move(table)));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(*response.mutable_table(), Render(request.text(), table));
  response.set_form(pb::LINES);
  return absl::OkStatus();
}

}  // namespace troupe
