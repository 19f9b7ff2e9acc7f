#include "services/table/table_text.h"

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
    std::string& key = keys.emplace_back(keys.empty() ? "{" : ", ");
    AppendJsonString(field.name, &key);
    key.append(": ");
  }
  for (int64_t row = 0; row < table.rows; ++row) {
    if (keys.empty()) out->push_back('{');
    for (size_t i = 0; i < keys.size(); ++i) {
      out->append(keys[i]);
      AppendJsonValue(table.columns[i], row, out);
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
