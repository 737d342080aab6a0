// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace cadenza::bench {

/// Element at `fraction` of sorted values, between neighbours by proportion.
inline double quantile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  const double weight = place - static_cast<double>(low);
  return sorted[low] * (1.0 - weight) + sorted[high] * weight;
}

}  // namespace cadenza::bench
