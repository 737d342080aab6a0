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

/// A warp.
class WarpGroup {
 public:
  static constexpr bool kIsAlone = true;  ///< no other group of the warp keeps step with it

  __device__ unsigned rank() const { return threadIdx.x % kWarpSize; }
  static constexpr __device__ unsigned size() { return kWarpSize; }
  /// What any thread wrote before is seen by all behind it.
  __device__ void sync() const { __syncwarp(kFullMask); }
  /// Whether any group that keeps step with this one has to.
  __device__ bool some(bool value) const { return value; }
  __device__ bool any(bool value) const { return __any_sync(kFullMask, value ? 1 : 0) != 0; }
  __device__ std::uint32_t max(std::uint32_t value) const {
    return __reduce_max_sync(kFullMask, value);
  }
  __device__ std::uint32_t min(std::uint32_t value) const {
    return __reduce_min_sync(kFullMask, value);
  }
  /// Of values whose sum fits 32 bits.
  __device__ std::uint32_t sum(std::uint32_t value) const {
    return __reduce_add_sync(kFullMask, value);
  }
  /// Of values below 2^54.
  __device__ std::uint64_t sum(std::uint64_t value) const {
    const std::uint32_t low = sum(static_cast<std::uint32_t>(value & kLimbMask));
    const std::uint32_t high = sum(static_cast<std::uint32_t>(value >> kLimbBits));
    return (std::uint64_t{high} << kLimbBits) + low;
  }
};

/// kLanes neighbouring lanes of a warp, a power of two. The groups of a warp keep step: they make
/// the same calls, so that each instruction serves them all.
template <unsigned kLanes>
class LaneGroup {
 public:
  static constexpr bool kIsAlone = false;

  __device__ unsigned rank() const { return threadIdx.x % kLanes; }
  static constexpr __device__ unsigned size() { return kLanes; }
  __device__ void sync() const { __syncwarp(kFullMask); }
  __device__ bool some(bool value) const { return __any_sync(kFullMask, value ? 1 : 0) != 0; }
  __device__ bool any(bool value) const {
    const unsigned lane = threadIdx.x % kWarpSize;
    const unsigned votes = __ballot_sync(kFullMask, value ? 1 : 0) >> (lane - lane % kLanes);
    return (votes & ((1U << kLanes) - 1)) != 0;
  }
  __device__ std::uint32_t max(std::uint32_t value) const { return warp_max<kLanes>(value); }
  __device__ std::uint32_t min(std::uint32_t value) const { return ~warp_max<kLanes>(~value); }
  __device__ std::uint32_t sum(std::uint32_t value) const { return warp_sum<kLanes>(value); }
  __device__ std::uint64_t sum(std::uint64_t value) const { return warp_sum<kLanes>(value); }
};

/// A block of up to 32 warps. Partial results go through two buffers in turn, so that one barrier
/// a reduction is enough.
class BlockGroup {
 public:
  static constexpr bool kIsAlone = true;
  static constexpr int kMaxWarps = 32;
  using Parts = std::uint64_t[2][kMaxWarps];

  /// `parts` is shared memory of the block.
  __device__ explicit BlockGroup(Parts& parts) : parts_(parts) {}

  __device__ unsigned rank() const { return threadIdx.x; }
  __device__ unsigned size() const { return blockDim.x; }
  __device__ void sync() const { __syncthreads(); }
  __device__ bool some(bool value) const { return value; }
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
  WarpGroup warp_;
};

}  // namespace cadenza::kernels
