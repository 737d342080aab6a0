// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>

namespace cadenza::test {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace cadenza::test
