// SPDX-License-Identifier: Apache-2.0
// Shared memory. Static: CADENZA_SHARED(tile, float[16][17]); in a kernel declares `tile`.
// Dynamic: DynamicShared hands out the arrays of a launch, SharedBytes adds up their size.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace cadenza::kernels {

/// Every dynamic array starts at a multiple of this many bytes.
inline constexpr std::size_t kSharedAlignment = 128;

/// First multiple of kSharedAlignment that is not below `bytes`.
__host__ __device__ constexpr std::size_t align_shared(std::size_t bytes) {
  return (bytes + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment;
}

/// Host side: bytes that a kernel's sequence of take() calls needs, in the same order.
class SharedBytes {
 public:
  template <typename T>
  constexpr SharedBytes& add(std::size_t count) {
    bytes_ = align_shared(bytes_) + count * sizeof(T);
    return *this;
  }
  constexpr std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

/// Lets the macro name an array type.
template <typename T>
using SharedType = T;

}  // namespace cadenza::kernels

#ifdef CADENZA_EMULATION
#include "emulation/shared_memory.h"
#else

#define CADENZA_SHARED(name, ...) __shared__ ::cadenza::kernels::SharedType<__VA_ARGS__> name

namespace cadenza::kernels {

/// The launch's dynamic shared memory, cut into arrays. All threads take the same arrays in the
/// same order; one take() an array, no pointer arithmetic from one into another.
class DynamicShared {
 public:
  template <typename T>
  __device__ __forceinline__ T* take(std::size_t count) {
    extern __shared__ __align__(128) unsigned char cadenza_dynamic_shared[];
    T* array = reinterpret_cast<T*>(cadenza_dynamic_shared + align_shared(used_));
    used_ = align_shared(used_) + count * sizeof(T);
    return array;
  }

 private:
  std::size_t used_ = 0;
};

}  // namespace cadenza::kernels

#endif
