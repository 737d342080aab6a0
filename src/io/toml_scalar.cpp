// SPDX-License-Identifier: Apache-2.0
#include "io/toml_scalar.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace cadenza {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits without their separators: "1_000" is "1000". Nothing if a '_' is not between digits.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      result += text[i];
    } else if (i == 0 || i + 1 == text.size() || text[i - 1] == '_' || text[i + 1] == '_' ||
               !std::isxdigit(static_cast<unsigned char>(text[i - 1])) ||
               !std::isxdigit(static_cast<unsigned char>(text[i + 1]))) {
      return std::nullopt;
    }
  }
  return result;
}

// The number as shortest decimal text, if all of `digits` is one.
template <typename Number, typename... Format>
std::optional<std::string> convert(std::string_view digits, Format... format) {
  Number value{};
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value, format...);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  std::array<char, 64> text;
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), written.ptr);
}

std::size_t count_digits(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - begin;
}

// Digits without a leading zero, then a fraction, an exponent or both.
bool is_float(std::string_view unsigned_text) {
  std::size_t i = count_digits(unsigned_text, 0);
  if (i == 0 || (i > 1 && unsigned_text[0] == '0')) return false;
  if (i < unsigned_text.size() && unsigned_text[i] == '.') {
    const std::size_t fraction = count_digits(unsigned_text, i + 1);
    if (fraction == 0) return false;
    i += 1 + fraction;
  }
  if (i < unsigned_text.size() && (unsigned_text[i] == 'e' || unsigned_text[i] == 'E')) {
    ++i;
    if (i < unsigned_text.size() && (unsigned_text[i] == '+' || unsigned_text[i] == '-')) ++i;
    const std::size_t exponent = count_digits(unsigned_text, i);
    if (exponent == 0) return false;
    i += exponent;
  }
  return i == unsigned_text.size();
}

}  // namespace

std::optional<std::string> canonical_scalar(std::string_view bare) {
  if (bare == "true" || bare == "false") return std::string(bare);
  const std::optional<std::string> plain = without_underscores(bare);
  if (!plain || plain->empty()) return std::nullopt;
  const bool has_sign = (*plain)[0] == '+' || (*plain)[0] == '-';
  const bool negative = (*plain)[0] == '-';
  const std::string_view magnitude = std::string_view(*plain).substr(has_sign ? 1 : 0);
  if (magnitude == "inf") return negative ? "-inf" : "inf";
  if (magnitude == "nan") return "nan";
  if (magnitude.empty() || !is_digit(magnitude[0])) return std::nullopt;
  const std::string_view prefix = magnitude.substr(0, 2);
  const int base = prefix == "0x" ? 16 : prefix == "0o" ? 8 : prefix == "0b" ? 2 : 10;
  // A minus can be read with the number, a plus cannot.
  const std::string_view digits = negative ? std::string_view(*plain) : magnitude;
  if (base != 10) {
    if (has_sign || magnitude.substr(2, 1) == "-") return std::nullopt;
    return convert<std::int64_t>(magnitude.substr(2), base);
  }
  if (count_digits(magnitude, 0) == magnitude.size()) {
    if (magnitude.size() > 1 && magnitude[0] == '0') return std::nullopt;
    return convert<std::int64_t>(digits);
  }
  if (!is_float(magnitude)) return std::nullopt;
  return convert<double>(digits);
}

bool is_bare_key(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  });
}

std::size_t utf8_fault(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  std::size_t i = 0;
  while (i < text.size()) {
    const unsigned first = byte(i);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc2 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf5 ? 4
                                              : 0;
    if (length == 0) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xc0U) != 0x80U) return i;
    }
    // Overlong forms, surrogates and what lies beyond U+10FFFF.
    const unsigned second = byte(i + 1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
      return i;
    }
    i += length;
  }
  return text.size();
}

}  // namespace cadenza
