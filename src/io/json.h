// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace cadenza {

// Reading and writing of JSON are compiled here alone: their templates cost seconds in every file.

/// The value of a text. nlohmann::json::exception for what is no JSON.
nlohmann::json parse_json(std::string_view text);
/// The same with keys in the order of the text, and a discarded value for what is no JSON. The time
/// is quadratic in the number of keys: for texts of our own.
nlohmann::ordered_json parse_ordered_json(std::string_view text);
/// On one line; bytes that are not UTF-8 become U+FFFD.
std::string to_text(const nlohmann::ordered_json& json);

/// The integer that an untrusted value is, or T's nearest if it does not fit, for a check of its
/// range to refuse. nlohmann::json::exception for another kind, which get<int>() would convert:
/// what it makes of 1e99 is undefined.
template <typename T>
T to_integer(const nlohmann::json& json) {
  const auto value = json.get_ref<const std::int64_t&>();
  return static_cast<T>(std::clamp<std::int64_t>(value, std::numeric_limits<T>::min(),
                                                 std::numeric_limits<T>::max()));
}

/// The same of the value at `key` of an object, where it may also be missing.
template <typename T>
T integer_at(const nlohmann::json& json, const char* key) {
  return to_integer<T>(json.at(key));
}

}  // namespace cadenza
