#include "services/table/table_text.h"

#include <simdjson.h>

#include <cmath>
#include <vector>

#include "services/table/number_text.h"

namespace troupe {
namespace {

void AppendCsvText(absl::string_view text, char delimiter, std::string* out) {
  const char special[] = {delimiter, '"', '\n', '\r'};
  if (text.find_first_of(absl::string_view(special, 4)) ==
      absl::string_view::npos) {
    out->append(text.data(), text.size());
    return;
  }
  out->push_back('"');
  for (const char c : text) {
    if (c == '"') out->push_back('"');
    out->push_back(c);
  }
  out->push_back('"');
}

// A JSON token: the text of a string, any other as it stands.
void AppendCsvToken(absl::string_view token, char delimiter, std::string* out) {
  if (token.size() < 2 || token.front() != '"')
    return AppendCsvText(token, delimiter, out);
  if (token.find('\\') == absl::string_view::npos)
    return AppendCsvText(token.substr(1, token.size() - 2), delimiter, out);
  thread_local simdjson::dom::parser parser;
  std::string_view text;
  // Who made the column has read the token; should it be none, it stands as is.
  if (parser.parse(token.data(), token.size()).get(text) != simdjson::SUCCESS)
    return AppendCsvText(token, delimiter, out);
  AppendCsvText({text.data(), text.size()}, delimiter, out);
}

void AppendCsvValue(const Column& column, int64_t row, char delimiter,
                    std::string* out) {
  if (column.IsNull(row)) return;
  switch (column.type()) {
    case pb::BOOL:
      out->append(column.boolean(row) ? "True" : "False");
      return;
    case pb::INT64:
      return AppendInt(column.int64s()[static_cast<size_t>(row)], out);
    case pb::FLOAT64:
      return AppendDouble(column.doubles()[static_cast<size_t>(row)], out);
    case pb::JSON:
      return AppendCsvToken(column.text(row), delimiter, out);
    default:
      return AppendCsvText(column.text(row), delimiter, out);
  }
}

void AppendJsonValue(const Column& column, int64_t row, std::string* out) {
  if (column.IsNull(row)) {
    out->append("null");
    return;
  }
  switch (column.type()) {
    case pb::BOOL:
      out->append(column.boolean(row) ? "true" : "false");
      return;
    case pb::INT64:
      return AppendInt(column.int64s()[static_cast<size_t>(row)], out);
    case pb::FLOAT64: {
      const double value = column.doubles()[static_cast<size_t>(row)];
      if (!std::isfinite(value)) {
        out->append("null");
        return;
      }
      return AppendDouble(value, out);
    }
    case pb::JSON: {
      const absl::string_view token = column.text(row);
      out->append(token.data(), token.size());
      return;
    }
    default:
      return AppendJsonString(column.text(row), out);
  }
}

char Delimiter(pb::Format format) { return format == pb::TSV ? '\t' : ','; }

void AppendCsvRows(const Table& table, char delimiter, std::string* out) {
  for (int64_t row = 0; row < table.rows; ++row) {
    const size_t begin = out->size();
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (i > 0) out->push_back(delimiter);
      AppendCsvValue(table.columns[i], row, delimiter, out);
    }
    // A line with nothing on it would be skipped by whoever reads it.
    if (out->size() == begin) out->append("\"\"");
    out->push_back('\n');
  }
}

void AppendJsonRows(const Table& table, std::string* out) {
  std::vector<std::string> keys;
  for (const Field& field : table.schema) {
    std::string& key = keys.emplace_back(", ");
    AppendJsonString(field.name, &key);
    key.append(": ");
  }
  for (int64_t row = 0; row < table.rows; ++row) {
    out->push_back('{');
    size_t separator = 2;  // None before the first key.
    for (size_t i = 0; i < keys.size(); ++i) {
      const Column& column = table.columns[i];
      if (column.type() == pb::JSON && column.IsNull(row)) continue;
      out->append(keys[i], separator);
      separator = 0;
      AppendJsonValue(column, row, out);
    }
    out->append("}\n");
  }
}

}  // namespace

void AppendHeader(const Schema& schema, pb::Format format, std::string* out) {
  if (format == pb::JSONL) return;
  const char delimiter = Delimiter(format);
  for (size_t i = 0; i < schema.size(); ++i) {
    if (i > 0) out->push_back(delimiter);
    AppendCsvText(schema[i].name, delimiter, out);
  }
  out->push_back('\n');
}

void AppendRows(const Table& table, pb::Format format, std::string* out) {
  if (format == pb::JSONL) return AppendJsonRows(table, out);
  AppendCsvRows(table, Delimiter(format), out);
}

void AppendJsonString(absl::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (c == '\n') {
      out->append("\\n");
    } else if (byte < 0x20 || byte == 0x7f) {
      out->append("\\u00");
      out->push_back(kHex[byte >> 4]);
      out->push_back(kHex[byte & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

}  // namespace troupe
