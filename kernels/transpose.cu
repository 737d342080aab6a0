// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
//
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/transpose.h"

namespace cadenza::kernels {
namespace {

constexpr int kTile = 32;
constexpr int kThreadRows = 8;

// mapping: block of 32 x 8 threads moves a tile of 32 x 32; blocks along x, tile columns first
// memory: 4.2 KB shared, rows padded by one so that columns are read without bank conflicts
// numerics: copies, or one addition
// limits: rows * columns / 1024 below 2^31
template <Accumulate kAccumulate>
__global__ void __launch_bounds__(kTile* kThreadRows)
    transpose_kernel(const float* from, std::int64_t rows, std::int64_t columns, float* to,
                     unsigned column_tiles) {
  CADENZA_SHARED(tile, float[kTile][kTile + 1]);
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x / column_tiles) * kTile;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x % column_tiles) * kTile;
  const int x = static_cast<int>(threadIdx.x);
  for (int y = static_cast<int>(threadIdx.y); y < kTile; y += kThreadRows) {
    if (row + y < rows && column + x < columns) {
      tile[y][x] = from[(row + y) * columns + column + x];
    }
  }
  __syncthreads();
  for (int y = static_cast<int>(threadIdx.y); y < kTile; y += kThreadRows) {
    if (row + x < rows && column + y < columns) {
      float* const element = to + (column + y) * rows + row + x;
      *element = kAccumulate == Accumulate::add ? *element + tile[x][y] : tile[x][y];
    }
  }
}

}  // namespace

void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to,
               Accumulate accumulate, cudaStream_t stream) {
  const auto row_tiles = blocks_for(rows, kTile);
  const auto column_tiles = blocks_for(columns, kTile);
  launch({.kernel = "transpose",
          .shape = {rows, columns},
          .grid = dim3(row_tiles * column_tiles),
          .block = dim3(kTile, kThreadRows),
          .stream = stream},
         accumulate == Accumulate::add ? transpose_kernel<Accumulate::add>
                                       : transpose_kernel<Accumulate::overwrite>,
         from, rows, columns, to, column_tiles);
}

}  // namespace cadenza::kernels
