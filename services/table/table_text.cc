#include "services/table/table_text.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "services/table/number_text.h"

namespace troupe {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr size_t kMaxTimeBytes = 28;  // "2024-02-29 12:30:59.123456", quoted.

char Delimiter(pb::Format format) { return format == pb::TSV ? '\t' : ','; }

// Text of rows as it is being written, in a buffer of a size that caches hold;
// what fills it goes to the end of a string.
class LineBuffer {
 public:
  // Of `rows` rows, which will take `most` bytes at most.
  LineBuffer(std::string* text, int64_t rows, size_t most)
      : text_(text), rows_(static_cast<size_t>(rows)), most_(most) {
    Resize(kBytes);
  }

  char* begin() { return buffer_.get(); }
  // A place for `bytes` bytes: `at`, where what was written ends, or the
  // beginning.
  char* Room(char* at, size_t bytes) {
    if (static_cast<size_t>(end_ - at) >= bytes) return at;
    Flush(at);
    if (size_ < bytes) Resize(bytes);
    return begin();
  }
  void BeginRow(int64_t row) { row_ = static_cast<size_t>(row); }
  void Flush(const char* at) {
    const auto bytes = static_cast<size_t>(at - begin());
    // Rows are often about as long as the first ones.
    if (!expected_ && row_ > 0)
      text_->reserve(text_->size() +
                     std::min({(bytes + bytes / 16) / row_ * rows_, most_,
                               kMostExpected}));
    expected_ = true;
    text_->append(begin(), bytes);
  }
  // Of the string, once what ends at `at` has come to it.
  size_t SizeAt(const char* at) const {
    return text_->size() + static_cast<size_t>(at - buffer_.get());
  }

 private:
  static constexpr size_t kBytes = size_t{1} << 16;
  static constexpr size_t kMostExpected = size_t{64} << 20;

  void Resize(size_t bytes) {
    size_ = bytes;
    buffer_.reset(new char[bytes]);  // Not zeroed, as a string's would be.
    end_ = begin() + bytes;
  }

  std::string* const text_;
  const size_t rows_;
  const size_t most_;
  size_t row_ = 0;  // At which it is.
  bool expected_ = false;
  std::unique_ptr<char[]> buffer_;
  size_t size_ = 0;
  char* end_ = nullptr;
};

char* Copy(absl::string_view text, char* at) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

// How a format spells what a cell holds.
struct CsvCells {
  static constexpr bool kNamed = false;  // Whether each has its name before it.
  static constexpr size_t kGrowth = 2;   // Of a text, at most; with quotes.
  static constexpr absl::string_view kNull = "";
  static constexpr absl::string_view kTrue = "True";
  static constexpr absl::string_view kFalse = "False";

  char delimiter;

  bool Special(char c) const {
    return c == delimiter || c == '"' || c == '\n' || c == '\r';
  }
  char* WriteText(absl::string_view text, bool plain, char* at) const {
    if (plain || std::none_of(text.begin(), text.end(),
                              [this](char c) { return Special(c); }))
      return Copy(text, at);
    *at++ = '"';
    for (const char c : text) {
      if (c == '"') *at++ = '"';
      *at++ = c;
    }
    *at++ = '"';
    return at;
  }
  // The text of a string, any other token as it stands.
  char* WriteToken(absl::string_view token, char* at) const {
    if (token.size() < 2 || token.front() != '"')
      return WriteText(token, false, at);
    if (token.find('\\') == absl::string_view::npos)
      return WriteText(token.substr(1, token.size() - 2), false, at);
    thread_local simdjson::dom::parser parser;
    std::string_view text;
    // Who made the column has read the token; should it be none, it stands as
    // is.
    if (parser.parse(token.data(), token.size()).get(text) != simdjson::SUCCESS)
      return WriteText(token, false, at);
    return WriteText({text.data(), text.size()}, false, at);
  }
  static char* WriteNumber(double value, char* at) {
    return WriteDouble(value, at);
  }
};

struct JsonCells {
  static constexpr bool kNamed = true;
  static constexpr size_t kGrowth = 6;
  static constexpr absl::string_view kNull = "null";
  static constexpr absl::string_view kTrue = "true";
  static constexpr absl::string_view kFalse = "false";

  static bool Special(char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 ||
           c == 0x7f;
  }
  static char* WriteText(absl::string_view text, bool plain, char* at) {
    *at++ = '"';
    if (plain) {
      at = Copy(text, at);
    } else {
      for (const char c : text) at = WriteCharacter(c, at);
    }
    *at++ = '"';
    return at;
  }
  static char* WriteToken(absl::string_view token, char* at) {
    return Copy(token, at);
  }
  static char* WriteNumber(double value, char* at) {
    return std::isinf(value) ? Copy(kNull, at) : WriteDouble(value, at);
  }

 private:
  static char* WriteCharacter(char c, char* at) {
    if (!Special(c)) {
      *at++ = c;
      return at;
    }
    *at++ = '\\';
    if (c == '"' || c == '\\') {
      *at++ = c;
    } else if (c == '\n') {
      *at++ = 'n';
    } else {
      at = Copy("u00", at);
      *at++ = kHex[static_cast<unsigned char>(c) >> 4];
      *at++ = kHex[c & 15];
    }
    return at;
  }
};

// A column made ready: what is the same for all of its rows is done once.
template <typename Cells>
class PreparedColumn {
 public:
  PreparedColumn(const Cells& cells, const Field& field, const Column& column)
      : cells_(cells), column_(column) {
    if (Cells::kNamed) {
      AppendJsonString(field.name, &name_);
      name_.append(": ");
    }
    room_ = name_.size() + kNumberRoom;
    if (column.type() == pb::FLOAT64 && column.null_count() == 0)
      doubles_ = column.doubles().data();
    if (!IsText(field.type)) return;
    bool special = false;
    for (const char c : column.all_text()) special |= cells.Special(c);
    plain_ = !special;
    offsets_ = column.text_offsets();
    if (column.dictionary_encoded()) codes_ = column.codes();
  }

  // Whether a row has no such cell, not even its name.
  bool Absent(int64_t row) const {
    return Cells::kNamed && column_.type() == pb::JSON && column_.IsNull(row);
  }

  // Whether nothing at all is written for a row.
  bool Blank(int64_t row) const {
    if (column_.IsNull(row)) return true;
    if (!IsText(column_.type())) return false;
    const absl::string_view text = Text(static_cast<size_t>(row));
    return column_.type() == pb::JSON ? text == "\"\"" : text.empty();
  }

  // Writes one row's cell, with its name, and leaves room for a separator.
  char* Write(int64_t row, LineBuffer& buffer, char* at) const {
    const auto i = static_cast<size_t>(row);
    if (doubles_ != nullptr)
      return Cells::WriteNumber(doubles_[i], Begin(room_, buffer, at));
    if (column_.IsNull(row))
      return Copy(Cells::kNull, Begin(room_, buffer, at));
    switch (column_.type()) {
      case pb::BOOL:
        return Copy(column_.boolean(row) ? Cells::kTrue : Cells::kFalse,
                    Begin(room_, buffer, at));
      case pb::INT64:
        return WriteInt(column_.int64s()[i], Begin(room_, buffer, at));
      case pb::FLOAT64:
        return Cells::WriteNumber(column_.doubles()[i],
                                  Begin(room_, buffer, at));
      case pb::DATE:
      case pb::TIMESTAMP: {
        std::string text;
        AppendTime(column_.type(), column_.int64s()[i], &text);
        at = Begin(room_ + Cells::kGrowth * text.size(), buffer, at);
        return cells_.WriteText(text, false, at);
      }
      default: {
        const absl::string_view text = Text(i);
        at = Begin(room_ + Cells::kGrowth * text.size(), buffer, at);
        return column_.type() == pb::JSON ? cells_.WriteToken(text, at)
                                          : cells_.WriteText(text, plain_, at);
      }
    }
  }

 private:
  char* Begin(size_t room, LineBuffer& buffer, char* at) const {
    at = buffer.Room(at, room);
    return Cells::kNamed ? Copy(name_, at) : at;
  }
  absl::string_view Text(size_t row) const {
    const size_t entry =
        codes_.empty() ? row : static_cast<size_t>(codes_[row]);
    return column_.all_text().substr(
        static_cast<size_t>(offsets_[entry]),
        static_cast<size_t>(offsets_[entry + 1] - offsets_[entry]));
  }

  const Cells& cells_;
  const Column& column_;
  std::string name_;  // With what stands between it and the value.
  size_t room_ = 0;   // For a cell, unless it is a long text.
  const double* doubles_ = nullptr;  // Where none is missing.
  bool plain_ = true;  // No text has a character to quote or to escape.
  absl::Span<const int32_t> offsets_;
  absl::Span<const int32_t> codes_;  // With a dictionary.
};

template <typename Cells>
std::vector<PreparedColumn<Cells>> Prepare(const Cells& cells,
                                           const Table& table) {
  std::vector<PreparedColumn<Cells>> columns;
  columns.reserve(table.columns.size());
  for (size_t i = 0; i < table.columns.size(); ++i)
    columns.emplace_back(cells, table.schema[i], table.columns[i]);
  return columns;
}

void AppendCsvRows(const Table& table, char delimiter, size_t max_bytes,
                   std::string* out) {
  const CsvCells cells{delimiter};
  const auto columns = Prepare(cells, table);
  LineBuffer buffer(out, table.rows, max_bytes);
  char* at = buffer.begin();
  for (int64_t row = 0; row < table.rows && buffer.SizeAt(at) <= max_bytes;
       ++row) {
    buffer.BeginRow(row);
    // A line with nothing on it would be skipped by whoever reads it.
    if (columns.empty() || (columns.size() == 1 && columns[0].Blank(row))) {
      at = Copy("\"\"\n", buffer.Room(at, kNumberRoom));
      continue;
    }
    for (const auto& column : columns) {
      at = column.Write(row, buffer, at);
      *at++ = delimiter;
    }
    at[-1] = '\n';
  }
  buffer.Flush(at);
}

void AppendJsonRows(const Table& table, size_t max_bytes, std::string* out) {
  const JsonCells cells;
  const auto columns = Prepare(cells, table);
  LineBuffer buffer(out, table.rows, max_bytes);
  char* at = buffer.begin();
  for (int64_t row = 0; row < table.rows && buffer.SizeAt(at) <= max_bytes;
       ++row) {
    buffer.BeginRow(row);
    at = buffer.Room(at, kNumberRoom);
    *at++ = '{';
    bool empty = true;
    for (const auto& column : columns) {
      if (column.Absent(row)) continue;
      at = column.Write(row, buffer, at);
      at = Copy(", ", at);
      empty = false;
    }
    if (!empty) at -= 2;
    at = Copy("}\n", at);
  }
  buffer.Flush(at);
}

}  // namespace

void AppendHeader(const Schema& schema, pb::Format format, std::string* out) {
  if (format == pb::JSONL) return;
  const CsvCells cells{Delimiter(format)};
  std::string text;
  for (const Field& field : schema) {
    text.resize(CsvCells::kGrowth * field.name.size() + 2);
    const char* const end = cells.WriteText(field.name, false, text.data());
    out->append(text.data(), end - text.data());
    out->push_back(cells.delimiter);
  }
  if (!schema.empty()) out->pop_back();
  // As a row, it is no empty line.
  if (schema.size() == 1 && schema[0].name.empty()) out->append("\"\"");
  out->push_back('\n');
}

int64_t LineBytes(const Schema& schema, pb::Format format) {
  size_t bytes = 4;
  std::string name;
  for (const Field& field : schema) {
    // A text's quotes are less.
    bytes += (IsTime(field.type) ? kMaxTimeBytes : kMaxNumberBytes) + 1;
    if (format != pb::JSONL) continue;
    name.clear();
    AppendJsonString(field.name, &name);
    bytes += name.size() + 3;
  }
  return static_cast<int64_t>(bytes);
}

void AppendRows(const Table& table, pb::Format format, std::string* out,
                size_t max_bytes) {
  if (format == pb::JSONL) return AppendJsonRows(table, max_bytes, out);
  AppendCsvRows(table, Delimiter(format), max_bytes, out);
}

void AppendJsonString(absl::string_view text, std::string* out) {
  std::string escaped(JsonCells::kGrowth * text.size() + 2, '\0');
  const char* end = JsonCells::WriteText(text, false, escaped.data());
  out->append(escaped.data(), end - escaped.data());
}

}  // namespace troupe
