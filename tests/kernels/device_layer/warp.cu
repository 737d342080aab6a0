// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/device/launch.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

constexpr unsigned kWarp = 32;
constexpr unsigned kHalf = 16;
constexpr unsigned kLowHalf = 0x0000FFFFU;

/// The lanes of `mask`, `width` neighbours of a warp, evaluate `function`.
struct Lanes {
  unsigned mask;
  int width;
  int* shared;  ///< an element a lane

  __device__ std::uint32_t shuffle(WarpFunction function, int value) const {
    const auto lane = static_cast<int>(threadIdx.x);
    switch (function) {
      case WarpFunction::shuffle:
        return static_cast<std::uint32_t>(__shfl_sync(mask, value, (3 * lane + 1) % width, width));
      case WarpFunction::shuffle_up:
        return static_cast<std::uint32_t>(__shfl_up_sync(mask, value, kUp, width));
      case WarpFunction::shuffle_down:
        return static_cast<std::uint32_t>(__shfl_down_sync(mask, value, kDown, width));
      case WarpFunction::shuffle_xor:
        return static_cast<std::uint32_t>(__shfl_xor_sync(mask, value, kFlip, width));
      case WarpFunction::shuffle_wide: {
        const auto wide = std::uint64_t{static_cast<std::uint32_t>(value)} << 32 | 5U;
        return static_cast<std::uint32_t>(__shfl_sync(mask, wide, 0, width) >> 32);
      }
      default:
        return exchange(value);
    }
  }

  __device__ std::uint32_t exchange(int value) const {
    const auto lane = static_cast<int>(threadIdx.x);
    shared[lane] = value;
    __syncwarp(mask);
    return static_cast<std::uint32_t>(shared[lane ^ (width - 1)]);
  }

  __device__ std::uint32_t vote(WarpFunction function, int value) const {
    const int odd = value % 2 != 0 ? 1 : 0;
    switch (function) {
      case WarpFunction::ballot:
        return __ballot_sync(mask, odd);
      case WarpFunction::any:
        return __any_sync(mask, odd) != 0 ? 1U : 0U;
      case WarpFunction::all:
        return __all_sync(mask, odd) != 0 ? 1U : 0U;
      default:
        return __match_any_sync(mask, value);
    }
  }

  __device__ std::uint32_t reduce(WarpFunction function, int value) const {
    const auto bits = static_cast<std::uint32_t>(value);
    switch (function) {
      case WarpFunction::reduce_add:
        return static_cast<std::uint32_t>(__reduce_add_sync(mask, value));
      case WarpFunction::reduce_min:
        return static_cast<std::uint32_t>(__reduce_min_sync(mask, value));
      case WarpFunction::reduce_max:
        return static_cast<std::uint32_t>(__reduce_max_sync(mask, value));
      case WarpFunction::reduce_min_unsigned:
        return __reduce_min_sync(mask, bits);
      case WarpFunction::reduce_max_unsigned:
        return __reduce_max_sync(mask, bits);
      case WarpFunction::reduce_and:
        return __reduce_and_sync(mask, bits);
      case WarpFunction::reduce_or:
        return __reduce_or_sync(mask, bits);
      default:
        return __reduce_xor_sync(mask, bits);
    }
  }

  __device__ std::uint32_t evaluate(WarpFunction function, int value) const {
    switch (function) {
      case WarpFunction::ballot:
      case WarpFunction::any:
      case WarpFunction::all:
      case WarpFunction::match:
        return vote(function, value);
      case WarpFunction::shuffle:
      case WarpFunction::shuffle_up:
      case WarpFunction::shuffle_down:
      case WarpFunction::shuffle_xor:
      case WarpFunction::shuffle_wide:
      case WarpFunction::exchange:
        return shuffle(function, value);
      default:
        return reduce(function, value);
    }
  }
};

__global__ void evaluate_in_warp_kernel(WarpFunction function, WarpMask mask, const int* values,
                                        std::uint32_t* results) {
  CADENZA_SHARED(shared, int[kWarp]);
  const unsigned lane = threadIdx.x;
  const int value = values[lane];
  if (mask == WarpMask::whole) {
    results[lane] = Lanes{~0U, kWarp, shared}.evaluate(function, value);
  } else if (lane < kHalf) {
    results[lane] = Lanes{kLowHalf, kHalf, shared}.evaluate(function, value);
  } else {
    results[lane] = Lanes{~kLowHalf, kHalf, shared}.evaluate(function, value);
  }
}

constexpr unsigned kTileThreads = 64;

__global__ void evaluate_in_tiles_kernel(const int* values, TileResult* results) {
  namespace cg = cooperative_groups;
  CADENZA_SHARED(shared, int[kTileThreads]);
  const auto tile = cg::tiled_partition<kTileLanes>(cg::this_thread_block());
  const unsigned thread = threadIdx.x;
  const int value = values[thread];
  const bool odd = value % 2 != 0;
  shared[thread] = value;
  tile.sync();
  TileResult result = {};
  result.mirrored = shared[thread ^ (kTileLanes - 1)];
  result.rank = tile.thread_rank();
  result.tile = tile.meta_group_rank();
  result.tiles = tile.meta_group_size();
  result.ballot = tile.ballot(odd);
  result.any = tile.any(odd) != 0 ? 1 : 0;
  result.all = tile.all(odd) != 0 ? 1 : 0;
  result.first = tile.shfl(value, 0);
  result.up = tile.shfl_up(value, kUp);
  result.down = tile.shfl_down(value, kDown);
  result.flipped = tile.shfl_xor(value, kFlip);
  result.sum = cg::reduce(tile, value, cg::plus<int>());
  result.smallest = cg::reduce(tile, value, cg::less<int>());
  result.greatest = cg::reduce(tile, value, cg::greater<int>());
  results[thread] = result;
}

__global__ void vote_in_block_kernel(const int* values, VoteResult* results) {
  const int odd = values[threadIdx.x] % 2 != 0 ? 1 : 0;
  VoteResult result = {};
  result.count = __syncthreads_count(odd);
  result.all = __syncthreads_and(odd) != 0 ? 1 : 0;
  result.any = __syncthreads_or(odd) != 0 ? 1 : 0;
  results[threadIdx.x] = result;
}

}  // namespace

void evaluate_in_warp(WarpFunction function, WarpMask mask, const int* values,
                      std::uint32_t* results) {
  launch({.kernel = "evaluate_in_warp", .shape = {kWarp}, .grid = dim3(1), .block = dim3(kWarp)},
         evaluate_in_warp_kernel, function, mask, values, results);
}

void evaluate_in_tiles(const int* values, TileResult* results) {
  launch({.kernel = "evaluate_in_tiles",
          .shape = {kTileThreads},
          .grid = dim3(1),
          .block = dim3(kTileThreads)},
         evaluate_in_tiles_kernel, values, results);
}

void vote_in_block(int threads, const int* values, VoteResult* results) {
  launch({.kernel = "vote_in_block",
          .shape = {threads},
          .grid = dim3(1),
          .block = dim3(static_cast<unsigned>(threads))},
         vote_in_block_kernel, values, results);
}

}  // namespace cadenza::kernels
