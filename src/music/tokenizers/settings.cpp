// SPDX-License-Identifier: Apache-2.0
#include "music/tokenizers/settings.h"

#include <algorithm>
#include <charconv>

#include "cadenza/error.h"

namespace cadenza {
namespace {

std::string list_of(std::initializer_list<std::string_view> keys) {
  if (keys.size() == 0) return "no settings";
  std::string text;
  for (const std::string_view key : keys) {
    if (!text.empty()) text += ", ";
    text += key;
  }
  return text;
}

}  // namespace

TokenizerSettings::TokenizerSettings(std::string_view tokenizer, std::string_view text,
                                     std::initializer_list<std::string_view> known)
    : tokenizer_(tokenizer) {
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(';'), text.size());
    const std::string_view item = text.substr(0, length);
    const bool last = length == text.size();
    text.remove_prefix(last ? length : length + 1);
    const std::size_t equals = item.find('=');
    check(equals != std::string_view::npos && (last || !text.empty()), "tokenizer ", tokenizer,
          ": settings expected key=value pairs joined by ';', got \"", item, last ? "\"" : ";\"");
    const std::string_view key = item.substr(0, equals);
    check(std::find(known.begin(), known.end(), key) != known.end(), "tokenizer ", tokenizer,
          ": unknown setting \"", key, "\", expected ", list_of(known));
    for (const auto& [earlier, value] : items_) {
      check(earlier != key, "tokenizer ", tokenizer, ": setting ", key, " was given twice");
    }
    items_.emplace_back(key, item.substr(equals + 1));
  }
}

int TokenizerSettings::integer(std::string_view key, int fallback, int lowest, int highest) const {
  for (const auto& [name, text] : items_) {
    if (name != key) continue;
    int value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    check(error == std::errc() && stop == end && value >= lowest && value <= highest, "tokenizer ",
          tokenizer_, ": setting ", key, " expected an integer from ", lowest, " to ", highest,
          ", got \"", text, "\"");
    return value;
  }
  return fallback;
}

std::string TokenizerSettings::text(std::string_view key, std::string_view fallback) const {
  for (const auto& [name, value] : items_) {
    if (name == key) return value;
  }
  return std::string(fallback);
}

}  // namespace cadenza
