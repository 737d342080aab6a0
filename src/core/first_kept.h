// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/random.h"

namespace cadenza {

/// The least word whose uniform_double() is not below `rate`; 2^32 if there is none. Words are
/// kept or dropped by comparison with it.
inline std::uint64_t first_kept(double rate) {
  std::uint64_t low = 0;
  std::uint64_t high = std::uint64_t{1} << 32;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    if (uniform_double(static_cast<std::uint32_t>(middle)) >= rate) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace cadenza
