// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace cadenza {

/// Round numbers (1, 2 or 5 times a power of ten apart) inside [low, high], at most about `count`.
/// Needs low < high, both finite.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace cadenza
