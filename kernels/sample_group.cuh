// SPDX-License-Identifier: Apache-2.0
// The threads that draw one row together: some lanes of a warp, or a block. All of them call every
// reduction, and all get its result. Integer reductions have no order, so results do not depend
// on the number of threads.
#pragma once

#include "kernels/reduce.cuh"

namespace cadenza::kernels {

/// 64-bit sums are made of 32-bit ones: the sum over a warp of parts below 2^27 fits 32 bits.
inline constexpr int kLimbBits = 27;
inline constexpr std::uint64_t kLimbMask = (std::uint64_t{1} << kLimbBits) - 1;

/// kLanes neighbouring lanes of a warp, a power of two.
template <unsigned kLanes>
class LaneGroup {
 public:
  __device__ LaneGroup()
      : rank_(threadIdx.x % kLanes),
        mask_((kFullMask >> (32 - kLanes)) << (threadIdx.x % 32 - threadIdx.x % kLanes)) {}

  __device__ unsigned rank() const { return rank_; }
  static constexpr __device__ unsigned size() { return kLanes; }
  /// What any thread wrote before is seen by all behind it.
  __device__ void sync() const { __syncwarp(mask_); }
  __device__ bool any(bool value) const { return __any_sync(mask_, value ? 1 : 0) != 0; }
  __device__ std::uint32_t max(std::uint32_t value) const {
    return __reduce_max_sync(mask_, value);
  }
  __device__ std::uint32_t min(std::uint32_t value) const {
    return __reduce_min_sync(mask_, value);
  }
  /// Of values whose sum fits 32 bits.
  __device__ std::uint32_t sum(std::uint32_t value) const {
    return __reduce_add_sync(mask_, value);
  }
  /// Of values below 2^54.
  __device__ std::uint64_t sum(std::uint64_t value) const {
    const std::uint32_t low = sum(static_cast<std::uint32_t>(value & kLimbMask));
    const std::uint32_t high = sum(static_cast<std::uint32_t>(value >> kLimbBits));
    return (std::uint64_t{high} << kLimbBits) + low;
  }

 private:
  unsigned rank_;
  unsigned mask_;
};

/// A block of up to 32 warps. Partial results go through two buffers in turn, so that one barrier
/// a reduction is enough.
class BlockGroup {
 public:
  static constexpr int kMaxWarps = 32;
  using Parts = std::uint64_t[2][kMaxWarps];

  /// `parts` is shared memory of the block.
  __device__ explicit BlockGroup(Parts& parts) : parts_(parts) {}

  __device__ unsigned rank() const { return threadIdx.x; }
  __device__ unsigned size() const { return blockDim.x; }
  __device__ void sync() const { __syncthreads(); }
  __device__ bool any(bool value) {
    return combine<std::uint32_t>(warp_.any(value) ? 1U : 0U, Max()) != 0;
  }
  __device__ std::uint32_t max(std::uint32_t value) { return combine(warp_.max(value), Max()); }
  __device__ std::uint32_t min(std::uint32_t value) { return ~max(~value); }
  __device__ std::uint32_t sum(std::uint32_t value) { return combine(warp_.sum(value), Sum()); }
  __device__ std::uint64_t sum(std::uint64_t value) { return combine(warp_.sum(value), Sum()); }

 private:
  template <typename T, typename Combine>
  __device__ T combine(T of_warp, Combine combine) {
    std::uint64_t* parts = parts_[turn_];
    turn_ ^= 1;
    if (threadIdx.x % kWarpSize == 0) parts[threadIdx.x / kWarpSize] = of_warp;
    __syncthreads();
    auto result = static_cast<T>(parts[0]);
    for (unsigned i = 1; i < blockDim.x / kWarpSize; ++i) {
      result = combine(result, static_cast<T>(parts[i]));
    }
    return result;
  }

  Parts& parts_;
  int turn_ = 0;
  LaneGroup<32> warp_;
};

}  // namespace cadenza::kernels
