// SPDX-License-Identifier: Apache-2.0
// Sums and maxima over a warp or a block, for float, double and 32- and 64-bit integers. The order
// is a fixed tree, so floating-point results do not change from run to run, and every thread gets
// the same bits. Maxima are of numbers; with a NaN among them they are of no meaning.
#pragma once

#include "kernels/device/kernel.h"

namespace cadenza::kernels {

inline constexpr unsigned kFullMask = 0xFFFFFFFFU;
inline constexpr int kWarpSize = 32;

struct Sum {
  template <typename T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};

struct Max {
  template <typename T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};

/// Over each group of kLanes neighbouring lanes, a power of two; all 32 lanes take part.
template <int kLanes = kWarpSize, typename T, typename Combine>
__device__ __forceinline__ T warp_reduce(T value, Combine combine) {
#pragma unroll
  for (int offset = kLanes / 2; offset > 0; offset /= 2) {
    value = combine(value, __shfl_xor_sync(kFullMask, value, offset));
  }
  return value;
}

template <int kLanes = kWarpSize, typename T>
__device__ __forceinline__ T warp_sum(T value) {
  return warp_reduce<kLanes>(value, Sum());
}

template <int kLanes = kWarpSize, typename T>
__device__ __forceinline__ T warp_max(T value) {
  return warp_reduce<kLanes>(value, Max());
}

/// Over a block of kThreads threads along x, a multiple of 32; `identity` changes nothing under
/// `combine`. Two barriers; kThreads / 32 values of shared memory.
template <int kThreads, typename T, typename Combine>
__device__ __forceinline__ T block_reduce(T value, T identity, Combine combine) {
  static_assert(kThreads % kWarpSize == 0 && kThreads <= 1024);
  constexpr int kWarps = kThreads / kWarpSize;
  value = warp_reduce(value, combine);
  if constexpr (kWarps == 1) return value;
  CADENZA_SHARED(parts, T[kWarps]);
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  __syncthreads();  // the parts of an earlier reduction have been read
  if (lane == 0) parts[static_cast<int>(threadIdx.x) / kWarpSize] = value;
  __syncthreads();
  return warp_reduce(lane < kWarps ? parts[lane] : identity, combine);
}

template <int kThreads, typename T>
__device__ __forceinline__ T block_sum(T value) {
  return block_reduce<kThreads>(value, T{}, Sum());
}

/// `lowest` is returned where nothing is above it.
template <int kThreads, typename T>
__device__ __forceinline__ T block_max(T value, T lowest) {
  return block_reduce<kThreads>(value, lowest, Max());
}

}  // namespace cadenza::kernels
