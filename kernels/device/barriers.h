// SPDX-License-Identifier: Apache-2.0
// Barriers beyond __syncthreads: named barriers of a part of a block, and mbarriers, which count
// arrivals and bytes. Their phases alternate between parity 0 and 1, starting with 0.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/address.h"

namespace cadenza::kernels {

/// An mbarrier lives in shared memory: CADENZA_SHARED(full, MBarrier[kStages]).
struct alignas(8) MBarrier {
  std::uint64_t state;
};

/// Whose writes a wait makes visible.
enum class Scope { kBlock, kCluster };

}  // namespace cadenza::kernels

#ifdef CADENZA_EMULATION
#include "emulation/barriers.h"
#else

namespace cadenza::kernels {

/// Waits until `threads` threads (a multiple of 32) have reached barrier `id` (1 to 15).
__device__ __forceinline__ void named_barrier_sync(unsigned id, unsigned threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/// Counts this thread without waiting.
__device__ __forceinline__ void named_barrier_arrive(unsigned id, unsigned threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/// One thread makes the barrier, `count` arrivals a phase; a block (or cluster) barrier follows
/// before others use it.
__device__ __forceinline__ void mbarrier_init(MBarrier* barrier, unsigned count) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(count)
               : "memory");
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#else
  __trap();
#endif
}

/// One arrival.
__device__ __forceinline__ void mbarrier_arrive(MBarrier* barrier) {
  asm volatile("mbarrier.arrive.shared.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}

/// One arrival, and the phase also waits for `bytes` bytes of copies.
__device__ __forceinline__ void mbarrier_arrive_expect(MBarrier* barrier, unsigned bytes) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
#else
  __trap();
#endif
}

/// One arrival at the same barrier of block `rank` of the cluster, after everything this thread did
/// before.
__device__ __forceinline__ void mbarrier_arrive_peer(MBarrier* barrier, unsigned rank) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(
                   peer_address(barrier, rank))
               : "memory");
#else
  __trap();
#endif
}

/// Returns once the phase of `parity` is complete.
template <Scope kScope = Scope::kBlock>
__device__ __forceinline__ void mbarrier_wait(MBarrier* barrier, unsigned parity) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  unsigned done;
  do {
    if constexpr (kScope == Scope::kBlock) {
      asm volatile(
          "{\n.reg .pred p;\n"
          "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
          "selp.u32 %0, 1, 0, p;\n}"
          : "=r"(done)
          : "r"(shared_address(barrier)), "r"(parity)
          : "memory");
    } else {
      asm volatile(
          "{\n.reg .pred p;\n"
          "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\n"
          "selp.u32 %0, 1, 0, p;\n}"
          : "=r"(done)
          : "r"(shared_address(barrier)), "r"(parity)
          : "memory");
    }
  } while (!done);
#else
  __trap();
#endif
}

}  // namespace cadenza::kernels

#endif
