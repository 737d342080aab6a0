// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/device/launch.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

__global__ void rotate_over_grid_kernel(int rounds, int* even, int* odd) {
  const cooperative_groups::grid_group grid = cooperative_groups::this_grid();
  const unsigned thread = threadIdx.x;
  const unsigned next = (blockIdx.x + 1) % gridDim.x;
  for (int round = 0; round < rounds; ++round) {
    const int* from = round % 2 == 0 ? even : odd;
    int* to = round % 2 == 0 ? odd : even;
    to[next * kGridThreads + thread] = from[blockIdx.x * kGridThreads + thread];
    if (round + 1 < rounds) grid.sync();
  }
}

// Each thread reads what another thread of the block before has written.
__global__ void accumulate_along_blocks_kernel(unsigned* flags, int* values) {
  const unsigned block = blockIdx.x;
  const unsigned thread = threadIdx.x;
  int* own = values + block * kGridThreads;
  if (block > 0) {
    if (thread == 0) {
      while (load_acquire(&flags[block - 1]) == 0) {
      }
    }
    __syncthreads();
    const int before = (own - kGridThreads)[kGridThreads - 1 - thread];
    own[thread] += before;
  }
  __syncthreads();
  if (thread == 0) store_release(&flags[block], 1);
}

__global__ void sum_by_last_block_kernel(const int* values, int* partial, unsigned* counter,
                                         int* sums) {
  CADENZA_SHARED(is_last, bool);
  const unsigned thread = threadIdx.x;
  partial[blockIdx.x * kGridThreads + thread] = values[blockIdx.x * kGridThreads + thread];
  __syncthreads();
  if (thread == 0) is_last = fetch_add_acquire_release(counter, 1) == gridDim.x - 1;
  __syncthreads();
  if (!is_last) return;
  int sum = 0;
  for (unsigned block = 0; block < gridDim.x; ++block) {
    sum += partial[block * kGridThreads + thread];
  }
  sums[thread] = sum;
}

}  // namespace

void rotate_over_grid(GridShape shape, int rounds, int* even, int* odd) {
  launch({.kernel = "rotate_over_grid",
          .shape = {shape.blocks, kGridThreads},
          .grid = dim3(shape.blocks),
          .block = dim3(kGridThreads),
          .cluster = shape.cluster,
          .cooperative = true},
         rotate_over_grid_kernel, rounds, even, odd);
}

void accumulate_along_blocks(unsigned blocks, unsigned* flags, int* values) {
  launch({.kernel = "accumulate_along_blocks",
          .shape = {blocks, kGridThreads},
          .grid = dim3(blocks),
          .block = dim3(kGridThreads),
          .cooperative = true},
         accumulate_along_blocks_kernel, flags, values);
}

void sum_by_last_block(unsigned blocks, const int* values, int* partial, unsigned* counter,
                       int* sums) {
  launch({.kernel = "sum_by_last_block",
          .shape = {blocks, kGridThreads},
          .grid = dim3(blocks),
          .block = dim3(kGridThreads)},
         sum_by_last_block_kernel, values, partial, counter, sums);
}

}  // namespace cadenza::kernels
