// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace cadenza {

/// Bit `bit` of a position as networks read it, -1 or 1.
inline float position_bit(std::int64_t position, int bit) {
  return ((position >> bit) & 1) != 0 ? 1.0F : -1.0F;
}

}  // namespace cadenza
