// SPDX-License-Identifier: Apache-2.0
// Instructions of Hopper that the micro-benchmarks time and the library's device layer does not
// offer, on addresses worked out ahead of the timed loops.
#pragma once

#include <cstdint>

#include "bench/micro/probe.h"
#include "kernels/device/kernel.h"

namespace cadenza::micro {

using kernels::MBarrier;

__device__ __forceinline__ unsigned cluster_rank() {
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

/// Whether the phase of `parity` completed before patience ran out.
__device__ __forceinline__ bool wait_bounded(std::uint32_t barrier, unsigned parity) {
  Patience patience;
  unsigned done = 0;
  do {
    asm volatile(
        "{\n.reg .pred p;\n"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(barrier), "r"(parity)
        : "memory");
  } while (done == 0 && patience.left());
  return done != 0;
}

__device__ __forceinline__ void expect_bytes(std::uint32_t barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}

__device__ __forceinline__ void arrive_at_peer(std::uint32_t barrier) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(barrier)
               : "memory");
}

/// The same place in the shared memory of block `rank`.
__device__ __forceinline__ std::uint32_t at_peer(std::uint32_t address, unsigned rank) {
  std::uint32_t mapped;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(mapped) : "r"(address), "r"(rank));
  return mapped;
}

__device__ __forceinline__ void store_async16(std::uint32_t to, std::uint32_t value,
                                              std::uint32_t barrier) {
  asm volatile(
      "st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1, %1, %1, %1}, "
      "[%2];" ::"r"(to),
      "r"(value), "r"(barrier)
      : "memory");
}

__device__ __forceinline__ void store_remote16(std::uint32_t to, std::uint32_t value) {
  asm volatile("st.shared::cluster.v4.u32 [%0], {%1, %1, %1, %1};" ::"r"(to), "r"(value)
               : "memory");
}

__device__ __forceinline__ uint4 load_remote16(std::uint32_t from) {
  uint4 v;
  asm volatile("ld.shared::cluster.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "r"(from)
               : "memory");
  return v;
}

/// From this block's shared memory to a peer's; counted on the peer's barrier.
__device__ __forceinline__ void copy_to_peer(std::uint32_t to, std::uint32_t from, unsigned bytes,
                                             std::uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, "
      "[%3];" ::"r"(to),
      "r"(from), "r"(bytes), "r"(barrier)
      : "memory");
}

/// From global memory to the same place in every block of the cluster that `mask` names.
__device__ __forceinline__ void copy_multicast(std::uint32_t to, const void* from, unsigned bytes,
                                               std::uint32_t barrier, std::uint16_t mask) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1], %2, [%3], %4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier), "h"(mask)
      : "memory");
}

/// Makes ordinary stores to shared memory visible to the copy engine and the tensor cores.
__device__ __forceinline__ void fence_async_proxy() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

}  // namespace cadenza::micro
