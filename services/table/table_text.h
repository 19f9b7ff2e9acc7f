// Tables as text: CSV as pandas' to_csv writes it (RFC 4180, least quoting,
// missing values empty), or JSON Lines.
//
// Thread safety: functions without state.
#pragma once

#include <cstddef>
#include <string>

#include "proto/pb.h"
#include "services/table/serialize.h"
#include "services/table/table.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// Appends the line of column names; nothing for JSON Lines.
void AppendHeader(const Schema& schema, pb::Format format, std::string* out);

// Appends one line per row. Missing values are empty in CSV and null in JSON;
// so are infinities in JSON, which has no word for them. A JSON value is
// written to JSON Lines as it stands, or left out where it is missing; in CSV a
// string's text takes the place of its token. Stops once `out` has more than
// `max_bytes` bytes: few bytes of a table may stand for a long text in every
// row.
void AppendRows(const Table& table, pb::Format format, std::string* out,
                size_t max_bytes = kMaxSerializedBytes);

// The most bytes that a row's line takes, but for the texts in it, each of
// which counts once more where it is long.
int64_t LineBytes(const Schema& schema, pb::Format format);

// Appends `text` as a JSON string, quotes included.
void AppendJsonString(absl::string_view text, std::string* out);

}  // namespace troupe
