// SPDX-License-Identifier: Apache-2.0
// What the tiled kernels of attention share.
#pragma once

#include "kernels/device/kernel.h"
// The device layer comes first.
#include <algorithm>

#include "kernels/device/launch.h"
#include "kernels/grid.h"

namespace cadenza::kernels::attention_tile {

inline constexpr int kTile = 32;     ///< columns of a block
inline constexpr int kTileRows = 8;  ///< rows of a block, fewer where there are not as many

/// Memory steps that row b of the batch looks at.
__device__ inline std::int64_t length_of(const std::int32_t* lengths, std::int64_t b,
                                         std::int64_t memory) {
  return lengths == nullptr ? memory : lengths[b];
}

/// The batch row, and the first row and column of the tile of this block.
struct Tile {
  __device__ Tile(std::int64_t rows, std::int64_t columns) {
    const std::int64_t row_tiles = ceil_div(rows, blockDim.y);
    const std::int64_t column_tiles = ceil_div(columns, kTile);
    column = blockIdx.x % column_tiles * kTile;
    row = blockIdx.x / column_tiles % row_tiles * blockDim.y;
    b = blockIdx.x / column_tiles / row_tiles;
  }
  std::int64_t b, row, column;
};

/// A launch with one block for each tile of [rows, columns] of every batch row.
inline LaunchConfig tiled(const char* kernel, std::int64_t batch, std::int64_t rows,
                          std::int64_t columns, cudaStream_t stream) {
  const std::int64_t tile_rows = std::clamp<std::int64_t>(rows, 1, kTileRows);
  const std::int64_t blocks = batch * ceil_div(rows, tile_rows) * ceil_div(columns, kTile);
  return {.kernel = kernel,
          .shape = {batch, rows, columns},
          .grid = dim3(static_cast<unsigned>(blocks)),
          .block = dim3(kTile, static_cast<unsigned>(tile_rows)),
          .stream = stream};
}

}  // namespace cadenza::kernels::attention_tile
