// SPDX-License-Identifier: Apache-2.0
// Stores into another block of the cluster that count as bytes on that block's mbarrier, so the
// receiver waits for data and needs no barrier of the cluster. Peer pointers for ordinary access
// come from cooperative_groups::this_cluster().map_shared_rank.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/address.h"
#include "kernels/device/barriers.h"

#ifdef CADENZA_EMULATION
#include "emulation/cluster.h"
#else

namespace cadenza::kernels {

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
