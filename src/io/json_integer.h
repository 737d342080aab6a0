// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace cadenza {

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
