// SPDX-License-Identifier: Apache-2.0
// Addresses as PTX wants them, for the other headers of this folder.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#ifndef CADENZA_EMULATION

namespace cadenza::kernels {

/// Address of an object in this block's shared memory.
__device__ __forceinline__ std::uint32_t shared_address(const void* object) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(object));
}

/// Address of the same object in the shared memory of block `rank` of the cluster.
__device__ __forceinline__ std::uint32_t peer_address(const void* object, unsigned rank) {
  std::uint32_t address;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
               : "=r"(address)
               : "r"(shared_address(object)), "r"(rank));
  return address;
}

}  // namespace cadenza::kernels

#endif
