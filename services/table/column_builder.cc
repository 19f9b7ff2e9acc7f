#include "services/table/column_builder.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace troupe {
namespace {

// While a dictionary is young it is kept whatever the strings are; later it
// must pay for itself.
constexpr int64_t kTrialRows = 1024;

template <typename T>
void AppendBytes(std::string& buffer, T value) {
  buffer.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Value i of those that begin at byte `begin`.
template <typename T>
void SetValue(size_t begin, int i, T value, std::string* buffer) {
  std::memcpy(buffer->data() + begin + static_cast<size_t>(i) * sizeof(value),
              &value, sizeof(value));
}

uint64_t LowestBits(int count) { return ~uint64_t{0} >> (64 - count); }

void AppendBit(std::string& bits, int64_t i, bool value) {
  if ((i & 7) == 0) bits.push_back('\0');
  if (value)
    bits.back() = static_cast<char>(static_cast<unsigned char>(bits.back()) |
                                    (1U << (i & 7)));
}

// Appends the lowest `count` of `bits`, the others being 0, to a bitmap of
// `rows`; count is 1 to 64.
void AppendBits(std::string& bitmap, int64_t rows, uint64_t bits, int count) {
  const auto used = static_cast<int>(rows & 7);
  if (used > 0) {
    bitmap.back() = static_cast<char>(
        static_cast<unsigned char>(bitmap.back()) | (bits << used));
    bits >>= 8 - used;
    count -= 8 - used;
  }
  // Words are little-endian, as the whole wire is.
  if (count > 0)
    bitmap.append(reinterpret_cast<const char*>(&bits),
                  static_cast<size_t>(count + 7) / 8);
}

// The numbers of the bits that are 0 among the lowest `count`, in turn.
template <typename Visit>
void ForEachZero(uint64_t bits, int count, Visit visit) {
  for (uint64_t zeros = ~bits & LowestBits(count); zeros != 0;
       zeros &= zeros - 1)
    visit(std::countr_zero(zeros));
}

void PopBit(std::string& bits, int64_t rows_left) {
  if ((rows_left & 7) == 0) {
    bits.pop_back();
  } else {
    bits.back() = static_cast<char>(static_cast<unsigned char>(bits.back()) &
                                    ((1U << (rows_left & 7)) - 1));
  }
}

}  // namespace

ColumnBuilder::ColumnBuilder(DataType type) : type_(type) {
  if (IsText(type_)) offsets_.push_back(0);
}

// The bitmap is made when the first null appears: many columns have none.
void ColumnBuilder::FillValidity() {
  validity_.assign(static_cast<size_t>(rows_ / 8), '\xff');
  if (rows_ % 8 > 0)
    validity_.push_back(static_cast<char>((1U << (rows_ % 8)) - 1));
}

void ColumnBuilder::AppendValidity(bool valid) {
  if (!valid && null_count_ == 0) FillValidity();
  if (!valid) ++null_count_;
  if (!validity_.empty() || !valid) AppendBit(validity_, rows_, valid);
  ++rows_;
}

void ColumnBuilder::AppendNull() {
  switch (type_) {
    case pb::BOOL:
      AppendBit(values_, rows_, false);
      break;
    case pb::FLOAT64:
      AppendBytes(values_, std::numeric_limits<double>::quiet_NaN());
      break;
    case pb::STRING:
    case pb::JSON:
      if (dictionary_encoded_) {
        AppendBytes(values_, int32_t{0});
      } else {
        offsets_.push_back(static_cast<int32_t>(text_.size()));
      }
      break;
    default:
      AppendBytes(values_, int64_t{0});
  }
  AppendValidity(false);
}

void ColumnBuilder::AppendBool(bool value) {
  AppendBit(values_, rows_, value);
  AppendValidity(true);
}

void ColumnBuilder::AppendInt64(int64_t value) {
  AppendBytes(values_, value);
  AppendValidity(true);
}

void ColumnBuilder::AppendDouble(double value) {
  if (std::isnan(value)) return AppendNull();
  AppendBytes(values_, value);
  AppendValidity(true);
}

void ColumnBuilder::AppendText(absl::string_view value) {
  if (dictionary_encoded_) {
    const auto known = codes_.find(value);
    if (known != codes_.end()) {
      AppendBytes(values_, known->second);
      return AppendValidity(true);
    }
    const auto code = static_cast<int32_t>(codes_.size());
    codes_.emplace(std::string(value), code);
    text_.append(value.data(), value.size());
    offsets_.push_back(static_cast<int32_t>(text_.size()));
    AppendBytes(values_, code);
    AppendValidity(true);
    if (rows_ >= kTrialRows && static_cast<int64_t>(codes_.size()) * 2 > rows_)
      DropDictionary();
    return;
  }
  text_.append(value.data(), value.size());
  offsets_.push_back(static_cast<int32_t>(text_.size()));
  AppendValidity(true);
}

void ColumnBuilder::AppendValidities(uint64_t valid, int count) {
  valid &= LowestBits(count);
  const int nulls = count - std::popcount(valid);
  if (nulls > 0 && null_count_ == 0) FillValidity();
  if (nulls > 0 || !validity_.empty())
    AppendBits(validity_, rows_, valid, count);
  null_count_ += nulls;
  rows_ += count;
}

void ColumnBuilder::AppendDoubles(const double* values, uint64_t valid,
                                  int count) {
  const size_t before = values_.size();
  const auto bytes = static_cast<size_t>(count) * sizeof(double);
  values_.append(reinterpret_cast<const char*>(values), bytes);
  AppendValidities(valid, count);
  ForEachZero(valid, count, [&](int i) {
    SetValue(before, i, std::numeric_limits<double>::quiet_NaN(), &values_);
  });
}

void ColumnBuilder::AppendInt64s(const int64_t* values, uint64_t valid,
                                 int count) {
  const size_t before = values_.size();
  const auto bytes = static_cast<size_t>(count) * sizeof(int64_t);
  values_.append(reinterpret_cast<const char*>(values), bytes);
  AppendValidities(valid, count);
  ForEachZero(valid, count,
              [&](int i) { SetValue(before, i, int64_t{0}, &values_); });
}

void ColumnBuilder::DropDictionary() {
  const Column coded = Column::FromBuffers(
      type_, rows_, null_count_, validity_,
      std::string(reinterpret_cast<const char*>(offsets_.data()),
                  offsets_.size() * sizeof(int32_t)),
      std::move(values_), std::move(text_), true);
  values_.clear();
  text_.clear();
  offsets_.assign(1, 0);
  codes_.clear();
  dictionary_encoded_ = false;
  for (int64_t i = 0; i < rows_; ++i) {
    const absl::string_view value = coded.text(i);
    text_.append(value.data(), value.size());
    offsets_.push_back(static_cast<int32_t>(text_.size()));
  }
}

void ColumnBuilder::PopBack() {
  --rows_;
  if (null_count_ > 0) {
    const bool was_null =
        ((static_cast<unsigned char>(validity_.back()) >> (rows_ & 7)) & 1) ==
        0;
    PopBit(validity_, rows_);
    if (was_null && --null_count_ == 0) validity_.clear();
  }
  if (type_ == pb::BOOL) {
    PopBit(values_, rows_);
  } else if (!IsText(type_)) {
    values_.resize(values_.size() - sizeof(int64_t));
  } else if (dictionary_encoded_) {
    // An entry that only this row used stays in the dictionary: harmless.
    values_.resize(values_.size() - sizeof(int32_t));
  } else {
    offsets_.pop_back();
    text_.resize(static_cast<size_t>(offsets_.back()));
  }
}

Column ColumnBuilder::Finish() {
  std::string offsets(reinterpret_cast<const char*>(offsets_.data()),
                      offsets_.size() * sizeof(int32_t));
  Column column =
      !IsText(type_)
          ? Column::FromBuffers(type_, rows_, null_count_, std::move(validity_),
                                "", std::move(values_))
      : dictionary_encoded_
          ? Column::FromBuffers(type_, rows_, null_count_, std::move(validity_),
                                std::move(offsets), std::move(values_),
                                std::move(text_), true)
          : Column::FromBuffers(type_, rows_, null_count_, std::move(validity_),
                                std::move(offsets), std::move(text_));
  *this = ColumnBuilder(type_);
  return column;
}

}  // namespace troupe
