// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cooperative_groups.h"

namespace cooperative_groups {

template <typename T>
struct plus {
  T operator()(T a, T b) const { return a + b; }
};
template <typename T>
struct greater {
  T operator()(T a, T b) const { return a < b ? b : a; }
};
template <typename T>
struct less {
  T operator()(T a, T b) const { return b < a ? b : a; }
};

/// All lanes of the tile receive the value.
template <typename Tile, typename T, typename Combine>
T reduce(const Tile& tile, T value, Combine combine, Location at = Location::here()) {
  for (int offset = static_cast<int>(Tile::num_threads()) / 2; offset > 0; offset /= 2) {
    value = combine(value, tile.shfl_xor(value, offset, at));
  }
  return value;
}

}  // namespace cooperative_groups
