// SPDX-License-Identifier: Apache-2.0
#include "music/utf8.h"

#include <cstdint>

namespace cadenza::midi {
namespace {

// Length of the well-formed character at `at` (Unicode 15, table 3-7), 0 if there is none.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const std::uint8_t first = byte(at);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  const std::uint8_t lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(at + 1) < lowest || byte(at + 1) > highest) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(at + i) < 0x80 || byte(at + i) > 0xBF) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace

std::string to_utf8(std::string_view text, std::size_t limit) {
  std::string out;
  if (is_utf8(text)) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = character_length(text, at);
      if (out.size() + length > limit) break;
      out.append(text.substr(at, length));
      at += length;
    }
    return out;
  }
  for (const char character : text) {
    const auto code = static_cast<std::uint8_t>(character);
    if (out.size() + (code < 0x80 ? 1 : 2) > limit) break;
    if (code < 0x80) {
      out.push_back(character);
    } else {
      out.push_back(static_cast<char>(0xC0 | (code >> 6)));
      out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    }
  }
  return out;
}

}  // namespace cadenza::midi
