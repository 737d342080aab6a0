// SPDX-License-Identifier: Apache-2.0
// Ordered access to flags in global memory, between blocks. A spin loop reads through load_acquire
// (which lets other threads run under emulation).
#pragma once

#include <cuda_runtime.h>

#ifdef CADENZA_EMULATION
#include "emulation/memory_order.h"
#else

namespace cadenza::kernels {

/// Reads a flag; what its writer did before store_release is visible afterwards.
__device__ __forceinline__ unsigned load_acquire(const unsigned* flag) {
  unsigned value;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(flag) : "memory");
  return value;
}

/// Writes a flag after everything this thread did before.
__device__ __forceinline__ void store_release(unsigned* flag, unsigned value) {
  asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(flag), "r"(value) : "memory");
}

/// Adds to a counter with both orders; returns what it held before.
__device__ __forceinline__ unsigned fetch_add_acquire_release(unsigned* counter, unsigned value) {
  unsigned before;
  asm volatile("atom.add.acq_rel.gpu.global.u32 %0, [%1], %2;"
               : "=r"(before)
               : "l"(counter), "r"(value)
               : "memory");
  return before;
}

}  // namespace cadenza::kernels

#endif
