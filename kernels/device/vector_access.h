// SPDX-License-Identifier: Apache-2.0
// Vector loads and stores. A misaligned address is an error under emulation, as on the device;
// plain dereferencing of a cast pointer would go unnoticed on a CPU.
#pragma once

#include <cuda_runtime.h>

#ifdef CADENZA_EMULATION
#include "emulation/vector_access.h"
#else

namespace cadenza::kernels {

/// The vector (float4, int2, ...) at `address`, which is a multiple of its size.
template <typename Vector>
__device__ __forceinline__ Vector load_vector(const Vector* address) {
  return *address;
}

template <typename Vector>
__device__ __forceinline__ void store_vector(Vector* address, Vector value) {
  *address = value;
}

}  // namespace cadenza::kernels

#endif
