// SPDX-License-Identifier: Apache-2.0
// Copies from global to shared memory that run beside the threads: per-thread 16-byte copies in
// groups (sm_80), and the bulk engine's copies that complete on an mbarrier (sm_90).
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/address.h"
#include "kernels/device/barriers.h"

#ifdef CADENZA_EMULATION
#include "emulation/async_copy.h"
#else

namespace cadenza::kernels {

/// Starts the copy of 16 bytes; both addresses are multiples of 16. With `valid` false nothing is
/// read and the destination becomes zero.
__device__ __forceinline__ void copy_async16(void* shared, const void* global, bool valid = true) {
  const int bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
               "l"(global), "r"(bytes)
               : "memory");
}

/// Makes one group of this thread's copies since the last commit.
__device__ __forceinline__ void copy_async_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

/// Returns when at most `kGroups` of this thread's groups are in flight. Other threads see the
/// data after a barrier.
template <int kGroups>
__device__ __forceinline__ void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
}

/// One thread starts a bulk copy of `bytes` (a multiple of 16, as both addresses are), which
/// counts towards `barrier`'s expected bytes when it lands.
__device__ __forceinline__ void copy_bulk(void* shared, const void* global, unsigned bytes,
                                          MBarrier* barrier) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared_address(shared)),
      "l"(global), "r"(bytes), "r"(shared_address(barrier))
      : "memory");
#else
  __trap();
#endif
}

}  // namespace cadenza::kernels

#endif
