// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <utility>
#include <vector>

namespace cadenza {

/// What a model is told of one condition: a number, or shares.
struct ConditionValue {
  std::int32_t number = -1;   ///< below Condition::values; -1: nothing
  std::vector<float> shares;  ///< of a histogram instead: `values` of them that sum to 1

  ConditionValue() = default;
  ConditionValue(std::int32_t value) : number(value) {}  // NOLINT(google-explicit-constructor)
  explicit ConditionValue(std::vector<float> of_all) : shares(std::move(of_all)) {}

  bool known() const { return number >= 0 || !shares.empty(); }
  friend auto operator<=>(const ConditionValue&, const ConditionValue&) = default;
};

}  // namespace cadenza
