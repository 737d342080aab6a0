// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "cadenza/random.h"

namespace cadenza::kernels {

/// The least number of pieces of `size` that hold `count`.
CADENZA_HOST_DEVICE constexpr std::int64_t ceil_div(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

/// Blocks for `items`, `per_block` of them each. Kernels that loop over the grid pass `most`, which
/// is enough to fill any GPU several times.
inline unsigned blocks_for(std::int64_t items, std::int64_t per_block,
                           std::int64_t most = 0x7FFFFFFF) {
  return static_cast<unsigned>(std::min(ceil_div(items, per_block), most));
}

inline constexpr std::int64_t kManyBlocks = 2048;

}  // namespace cadenza::kernels
