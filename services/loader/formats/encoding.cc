#include "services/loader/formats/encoding.h"

#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"

namespace troupe::loader {
namespace {

// A byte that occurs nowhere in UTF-8.
constexpr char kBadByte = '\xff';

// windows-1252 from 0x80 to 0x9f; 0: no character. The rest is Unicode's own.
constexpr std::array<uint16_t, 32> kWindows1252 = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
    0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
    0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

// Surrogates, too, which makes bytes that are no UTF-8.
void AppendCodePoint(uint32_t c, std::string* text) {
  const auto push = [text](uint32_t byte) {
    text->push_back(static_cast<char>(byte));
  };
  if (c < 0x80) return push(c);
  if (c < 0x800) {
    push(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    push(0xe0 | c >> 12);
    push(0x80 | (c >> 6 & 0x3f));
  } else {
    push(0xf0 | c >> 18);
    push(0x80 | (c >> 12 & 0x3f));
    push(0x80 | (c >> 6 & 0x3f));
  }
  push(0x80 | (c & 0x3f));
}

void DecodeWindows1252(absl::string_view bytes, std::string* text) {
  for (const char byte : bytes) {
    const auto c = static_cast<unsigned char>(byte);
    if (c < 0x80) {
      text->push_back(byte);
    } else if (c >= 0xa0) {
      AppendCodePoint(c, text);
    } else if (kWindows1252[c - 0x80] != 0) {
      AppendCodePoint(kWindows1252[c - 0x80], text);
    } else {
      text->push_back(kBadByte);
    }
  }
}

uint32_t UnitAt(absl::string_view bytes, size_t i, bool big_endian) {
  const auto first = static_cast<unsigned char>(bytes[i]);
  const auto second = static_cast<unsigned char>(bytes[i + 1]);
  return big_endian ? first << 8 | second : second << 8 | first;
}

size_t DecodeUtf16(absl::string_view bytes, bool big_endian, bool last,
                   std::string* text) {
  size_t i = 0;
  while (i + 1 < bytes.size()) {
    uint32_t c = UnitAt(bytes, i, big_endian);
    const bool high = c >= 0xd800 && c < 0xdc00;
    if (high && i + 3 >= bytes.size() && !last) return i;
    if (high && i + 3 < bytes.size()) {
      const uint32_t low = UnitAt(bytes, i + 2, big_endian);
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        i += 2;
      }
    }
    AppendCodePoint(c, text);
    i += 2;
  }
  if (i < bytes.size() && last) {
    text->push_back(kBadByte);
    ++i;
  }
  return i;
}

// The bytes of the character that begins with `lead`, decoded.
size_t SequenceBytes(char lead) {
  const auto c = static_cast<unsigned char>(lead);
  if (c < 0x80 || lead == kBadByte) return 1;
  return c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
}

}  // namespace

std::optional<pb::TextEncoding> EncodingByName(absl::string_view name) {
  const std::string plain = absl::StrReplaceAll(
      absl::AsciiStrToLower(name), {{"-", ""}, {"_", ""}, {" ", ""}});
  constexpr std::pair<absl::string_view, pb::TextEncoding> kNames[] = {
      {"utf8", pb::UTF_8},          {"utf8sig", pb::UTF_8},
      {"ascii", pb::UTF_8},         {"usascii", pb::UTF_8},
      {"latin1", pb::WINDOWS_1252}, {"iso88591", pb::WINDOWS_1252},
      {"l1", pb::WINDOWS_1252},     {"windows1252", pb::WINDOWS_1252},
      {"cp1252", pb::WINDOWS_1252}, {"utf16", pb::UTF_16},
      {"utf16le", pb::UTF_16LE},    {"utf16be", pb::UTF_16BE}};
  for (const auto& [known, encoding] : kNames)
    if (plain == known) return encoding;
  return std::nullopt;
}

absl::string_view EncodingName(pb::TextEncoding encoding) {
  switch (encoding) {
    case pb::WINDOWS_1252:
      return "windows-1252";
    case pb::UTF_16:
    case pb::UTF_16LE:
    case pb::UTF_16BE:
      return "UTF-16";
    default:
      return "UTF-8";
  }
}

pb::TextEncoding DetectEncoding(pb::TextEncoding declared,
                                absl::string_view beginning) {
  if (declared != pb::UTF_8 && declared != pb::UTF_16) return declared;
  if (beginning.substr(0, 2) == "\xff\xfe") return pb::UTF_16LE;
  if (beginning.substr(0, 2) == "\xfe\xff") return pb::UTF_16BE;
  return declared == pb::UTF_16 ? pb::UTF_16LE : pb::UTF_8;
}

size_t Decode(pb::TextEncoding encoding, absl::string_view bytes, bool last,
              std::string* text) {
  switch (encoding) {
    case pb::WINDOWS_1252:
      DecodeWindows1252(bytes, text);
      return bytes.size();
    case pb::UTF_16LE:
    case pb::UTF_16BE:
      return DecodeUtf16(bytes, encoding == pb::UTF_16BE, last, text);
    default:
      text->append(bytes.data(), bytes.size());
      return bytes.size();
  }
}

size_t EncodedBytes(pb::TextEncoding encoding, absl::string_view text) {
  if (encoding != pb::WINDOWS_1252 && encoding != pb::UTF_16LE &&
      encoding != pb::UTF_16BE)
    return text.size();
  size_t bytes = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t sequence = SequenceBytes(text[i]);
    bytes += encoding == pb::WINDOWS_1252 || text[i] == kBadByte ? 1
             : sequence == 4                                     ? 4
                                                                 : 2;
    i += sequence;
  }
  return bytes;
}

}  // namespace troupe::loader
