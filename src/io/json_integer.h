// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace cadenza {

/// The integer at `key` of an untrusted object, or T's nearest if it does not fit, for a check of
/// its range to refuse. nlohmann::json::exception where it is missing or of another kind, which
/// get<int>() would convert: what it makes of 1e99 is undefined.
template <typename T>
T integer_at(const nlohmann::json& json, const char* key) {
  const auto value = json.at(key).get_ref<const std::int64_t&>();
  return static_cast<T>(std::clamp<std::int64_t>(value, std::numeric_limits<T>::min(),
                                                 std::numeric_limits<T>::max()));
}

}  // namespace cadenza
