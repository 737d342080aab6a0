// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/column_sums.h"
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/reduce.cuh"

namespace cadenza::kernels {
namespace {

constexpr int kWarps = 16;  // rows that a block reads at once

/// What becomes of the sums of a chunk of rows.
enum class Target {
  part,  ///< out [chunks, columns] holds them
  sum,   ///< they are added to out [columns]
};

// out = sums over chunks of `chunk` rows.
// Mapping: a block sums 32 columns of one chunk; a warp takes every kWarps-th row of it.
// Memory: x read once, 128 bytes a warp; 2 KiB of shared memory.
// Numerics: fp32; each warp's rows in order, then the warps in order.
// Limits: below 2^31 blocks.
template <Target kTarget>
__global__ void column_sums_kernel(const float* x, std::int64_t rows, std::int64_t columns,
                                   std::int64_t chunk, float* out) {
  CADENZA_SHARED(parts, float[kWarps][kWarpSize]);
  const std::int64_t slabs = ceil_div(columns, kWarpSize);
  const std::int64_t part = blockIdx.x / slabs;
  const auto lane = static_cast<int>(threadIdx.x);
  const auto warp = static_cast<int>(threadIdx.y);
  const std::int64_t column = blockIdx.x % slabs * kWarpSize + lane;
  const std::int64_t end = (part + 1) * chunk < rows ? (part + 1) * chunk : rows;
  float sum = 0.0F;
  if (column < columns) {
#pragma unroll 8
    for (std::int64_t row = part * chunk + warp; row < end; row += kWarps) {
      sum += x[row * columns + column];
    }
  }
  parts[warp][lane] = sum;
  __syncthreads();
  if (warp == 0 && column < columns) {
    for (int other = 1; other < kWarps; ++other) sum += parts[other][lane];
    if constexpr (kTarget == Target::sum) {
      out[column] += sum;
    } else {
      out[part * columns + column] = sum;
    }
  }
}

/// Rows of a chunk: enough chunks to fill a GPU, none of less than some rows for each warp.
std::int64_t chunk_rows(std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t kBlocks = 1024;
  constexpr std::int64_t kLeast = 8 * kWarps;
  const std::int64_t slabs = ceil_div(columns, kWarpSize);
  const std::int64_t chunks = std::max<std::int64_t>(1, kBlocks / slabs);
  return std::max(kLeast, ceil_div(rows, chunks));
}

template <Target kTarget>
void launch_sums(const float* x, const Shape& shape, std::int64_t chunk, float* out,
                 cudaStream_t stream) {
  const std::int64_t chunks = ceil_div(shape[0], chunk);
  launch({.kernel = "add_column_sums",
          .shape = shape,
          .grid = dim3(blocks_for(ceil_div(shape[1], kWarpSize) * chunks, 1)),
          .block = dim3(kWarpSize, kWarps),
          .stream = stream},
         column_sums_kernel<kTarget>, x, shape[0], shape[1], chunk, out);
}

}  // namespace

std::size_t column_sums_scratch(std::int64_t rows, std::int64_t columns) {
  if (columns == 0) return 0;
  const std::int64_t chunk = chunk_rows(rows, columns);
  return chunk < rows ? static_cast<std::size_t>(ceil_div(rows, chunk) * columns) : 0;
}

void add_column_sums(const float* x, std::int64_t rows, std::int64_t columns, float* scratch,
                     float* y, cudaStream_t stream) {
  if (rows == 0 || columns == 0) return;
  const std::int64_t chunk = chunk_rows(rows, columns);
  if (chunk >= rows) {
    launch_sums<Target::sum>(x, {rows, columns}, rows, y, stream);
    return;
  }
  const std::int64_t chunks = ceil_div(rows, chunk);
  launch_sums<Target::part>(x, {rows, columns}, chunk, scratch, stream);
  launch_sums<Target::sum>(scratch, {chunks, columns}, chunks, y, stream);
}

}  // namespace cadenza::kernels
