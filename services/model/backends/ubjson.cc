#include "services/model/backends/ubjson.h"

#include <cstring>
#include <utility>

#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

constexpr int kMaxDepth = 64;
// A value takes a byte at least in a model, and a hundred in memory. XGBoost's
// own models have one for each 31 bytes, even where every tree is one leaf:
// names are written out.
constexpr size_t kBytesPerValue = 16;
constexpr size_t kFreeValues = 4096;
constexpr size_t kMaxNames = 64;

// Bytes of one number; 0 for what is no number.
int Width(char type) {
  switch (type) {
    case 'i':
    case 'U':
      return 1;
    case 'I':
      return 2;
    case 'l':
    case 'd':
      return 4;
    case 'L':
    case 'D':
      return 8;
    default:
      return 0;
  }
}

// A big-endian whole number. 'i', 'I', 'l', 'L' are signed.
int64_t ReadInteger(const char* bytes, char type) {
  const int width = Width(type);
  uint64_t value = 0;
  for (int i = 0; i < width; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  if (type == 'U' || width == 8) return static_cast<int64_t>(value);
  const uint64_t sign = uint64_t{1} << (8 * width - 1);
  return static_cast<int64_t>((value ^ sign) - sign);
}

double ReadReal(const char* bytes, char type) {
  if (type == 'd') {
    const auto bits = static_cast<uint32_t>(ReadInteger(bytes, 'l'));
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    return static_cast<double>(value);
  }
  const int64_t bits = ReadInteger(bytes, 'L');
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

class Parser {
 public:
  explicit Parser(absl::string_view rest)
      : rest_(rest), values_left_(kFreeValues + rest.size() / kBytesPerValue) {}

  absl::StatusOr<UbjValue> ParseValue(int depth) {
    ASSIGN_OR_RETURN(const char marker, TakeMarker());
    return ParseAfter(marker, depth);
  }
  bool done() const { return rest_.empty(); }

 private:
  static absl::Status Corrupt(absl::string_view what) {
    return ArtifactCorrupt(what);
  }

  absl::StatusOr<char> TakeMarker() {
    if (rest_.empty()) return Corrupt("the model ends too early");
    const char marker = rest_[0];
    rest_.remove_prefix(1);
    return marker;
  }

  absl::StatusOr<absl::string_view> Take(int64_t bytes) {
    if (bytes < 0 || static_cast<uint64_t>(bytes) > rest_.size())
      return Corrupt("the model ends too early");
    const absl::string_view taken = rest_.substr(0, static_cast<size_t>(bytes));
    rest_.remove_prefix(static_cast<size_t>(bytes));
    return taken;
  }

  // A length: a whole number with its marker.
  absl::StatusOr<int64_t> TakeLength() {
    ASSIGN_OR_RETURN(const char type, TakeMarker());
    if (Width(type) == 0 || type == 'd' || type == 'D')
      return Corrupt("a length in the model is no whole number");
    ASSIGN_OR_RETURN(const absl::string_view bytes, Take(Width(type)));
    const int64_t length = ReadInteger(bytes.data(), type);
    // Everything counted takes at least a byte.
    if (length < 0 || static_cast<uint64_t>(length) > rest_.size())
      return Corrupt("a length in the model is beyond its end");
    return length;
  }

  absl::StatusOr<UbjValue> ParseAfter(char marker, int depth) {
    if (depth > kMaxDepth) return Corrupt("the model nests too deep");
    if (values_left_-- == 0)
      return Corrupt("the model has too many values for its size");
    UbjValue value;
    value.type = marker;
    switch (marker) {
      case 'Z':
        return value;
      case 'T':
      case 'F':
        value.kind = UbjValue::Kind::kBool;
        value.integer = marker == 'T' ? 1 : 0;
        return value;
      case 'S': {
        value.kind = UbjValue::Kind::kText;
        ASSIGN_OR_RETURN(const int64_t length, TakeLength());
        ASSIGN_OR_RETURN(value.text, Take(length));
        return value;
      }
      case '[':
        return ParseArray(depth);
      case '{':
        return ParseObject(depth);
      default:
        return ParseNumber(std::move(value));
    }
  }

  absl::StatusOr<UbjValue> ParseNumber(UbjValue value) {
    const int width = Width(value.type);
    if (width == 0) return Corrupt("the model is no UBJSON");
    ASSIGN_OR_RETURN(const absl::string_view bytes, Take(width));
    if (value.type == 'd' || value.type == 'D') {
      value.kind = UbjValue::Kind::kReal;
      value.real = ReadReal(bytes.data(), value.type);
    } else {
      value.kind = UbjValue::Kind::kInteger;
      value.integer = ReadInteger(bytes.data(), value.type);
    }
    return value;
  }

  absl::StatusOr<UbjValue> ParseArray(int depth) {
    UbjValue value;
    value.kind = UbjValue::Kind::kArray;
    value.type = '[';
    if (!rest_.empty() && rest_[0] == '$') {
      rest_.remove_prefix(1);
      return ParsePacked();
    }
    if (!rest_.empty() && rest_[0] == '#') {
      rest_.remove_prefix(1);
      ASSIGN_OR_RETURN(value.count, TakeLength());
      for (int64_t i = 0; i < value.count; ++i) {
        ASSIGN_OR_RETURN(UbjValue item, ParseValue(depth + 1));
        value.items.push_back(std::move(item));
      }
      return value;
    }
    for (;;) {
      ASSIGN_OR_RETURN(const char marker, TakeMarker());
      if (marker == ']') break;
      ASSIGN_OR_RETURN(UbjValue item, ParseAfter(marker, depth + 1));
      value.items.push_back(std::move(item));
    }
    value.count = static_cast<int64_t>(value.items.size());
    return value;
  }

  absl::StatusOr<UbjValue> ParsePacked() {
    UbjValue value;
    value.kind = UbjValue::Kind::kPacked;
    ASSIGN_OR_RETURN(value.type, TakeMarker());
    ASSIGN_OR_RETURN(const char hash, TakeMarker());
    if (Width(value.type) == 0 || hash != '#')
      return Corrupt("an array in the model has no number type");
    ASSIGN_OR_RETURN(value.count, TakeLength());
    ASSIGN_OR_RETURN(value.text, Take(value.count * Width(value.type)));
    return value;
  }

  absl::StatusOr<UbjValue> ParseObject(int depth) {
    UbjValue value;
    value.kind = UbjValue::Kind::kObject;
    value.type = '{';
    for (;;) {
      if (rest_.empty()) return Corrupt("the model ends too early");
      if (rest_[0] == '}') {
        rest_.remove_prefix(1);
        return value;
      }
      ASSIGN_OR_RETURN(const int64_t length, TakeLength());
      ASSIGN_OR_RETURN(const absl::string_view name, Take(length));
      // With two of a name, XGBoost might take the one that was not checked.
      if (value.Find(name) != nullptr)
        return Corrupt("a name in the model occurs twice");
      if (value.names.size() == kMaxNames)
        return Corrupt("an object in the model has too many names");
      ASSIGN_OR_RETURN(UbjValue member, ParseValue(depth + 1));
      value.names.push_back(name);
      value.items.push_back(std::move(member));
    }
  }

  absl::string_view rest_;
  size_t values_left_;
};

}  // namespace

const UbjValue* UbjValue::Find(absl::string_view name) const {
  if (kind != Kind::kObject) return nullptr;
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return &items[i];
  return nullptr;
}

bool UbjValue::IsIntegers() const {
  if (kind == Kind::kPacked) return type != 'd' && type != 'D';
  if (kind != Kind::kArray) return false;
  for (const UbjValue& item : items)
    if (item.kind != Kind::kInteger) return false;
  return true;
}

double UbjValue::RealAt(int64_t i) const {
  return ReadReal(text.data() + i * Width(type), type);
}

int64_t UbjValue::IntegerAt(int64_t i) const {
  if (kind == Kind::kArray) return items[static_cast<size_t>(i)].integer;
  return ReadInteger(text.data() + i * Width(type), type);
}

absl::StatusOr<UbjValue> ParseUbjson(absl::string_view bytes) {
  Parser parser(bytes);
  ASSIGN_OR_RETURN(UbjValue value, parser.ParseValue(0));
  if (!parser.done()) return ArtifactCorrupt("there is more after the model");
  return value;
}

}  // namespace troupe::model
