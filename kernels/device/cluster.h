// SPDX-License-Identifier: Apache-2.0
// The blocks of a cluster (sm_90): their barrier, ordinary access to each other's shared memory,
// and stores that count as bytes on the other block's mbarrier, so that the receiver waits for data
// and needs no barrier of the cluster. cooperative_groups::this_cluster() is not declared for
// devices without clusters; these functions are, and end the kernel there.
#pragma once

#include <cooperative_groups.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/address.h"
#include "kernels/device/barriers.h"

#ifdef CADENZA_EMULATION
#include "emulation/cluster.h"
#else

namespace cadenza::kernels {

/// Number of this block in its cluster.
__device__ __forceinline__ unsigned cluster_rank() {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  return cooperative_groups::cluster_group::block_rank();
#else
  __trap();
  return 0;
#endif
}

/// Blocks of the cluster.
__device__ __forceinline__ unsigned cluster_size() {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  return cooperative_groups::cluster_group::num_blocks();
#else
  __trap();
  return 0;
#endif
}

/// Counts this thread at the barrier of the cluster; cluster_wait() follows.
__device__ __forceinline__ void cluster_arrive() {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  cooperative_groups::cluster_group::barrier_arrive();
#else
  __trap();
#endif
}

/// Returns when all threads of the cluster have arrived; what they did before is visible.
__device__ __forceinline__ void cluster_wait() {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  cooperative_groups::cluster_group::barrier_wait();
#else
  __trap();
#endif
}

/// Both. A block's shared memory may be used by others from the first of these, which shows that
/// it has begun, until the last.
__device__ __forceinline__ void cluster_sync() {
  cluster_arrive();
  cluster_wait();
}

/// The same object in the shared memory of block `rank`.
template <typename T>
__device__ __forceinline__ T* peer_shared(T* object, unsigned rank) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  return cooperative_groups::cluster_group::map_shared_rank(object, static_cast<int>(rank));
#else
  __trap();
  return object;
#endif
}

/// Stores four bytes at `shared` as seen by block `rank`, and counts them on its `barrier`. Both
/// pointers name this block's copy of the object.
__device__ __forceinline__ void store_async(std::uint32_t* shared, std::uint32_t value,
                                            MBarrier* barrier, unsigned rank) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%0], %1, [%2];" ::"r"(
                   peer_address(shared, rank)),
               "r"(value), "r"(peer_address(barrier, rank))
               : "memory");
#else
  __trap();
#endif
}

/// The same for a float.
__device__ __forceinline__ void store_async(float* shared, float value, MBarrier* barrier,
                                            unsigned rank) {
  store_async(reinterpret_cast<std::uint32_t*>(shared), __float_as_uint(value), barrier, rank);
}

/// The same for 16 bytes; `shared` is a multiple of 16.
__device__ __forceinline__ void store_async(float4* shared, float4 value, MBarrier* barrier,
                                            unsigned rank) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  asm volatile(
      "st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1, %2, %3, %4}, "
      "[%5];" ::"r"(peer_address(shared, rank)),
      "f"(value.x), "f"(value.y), "f"(value.z), "f"(value.w), "r"(peer_address(barrier, rank))
      : "memory");
#else
  __trap();
#endif
}

}  // namespace cadenza::kernels

#endif
