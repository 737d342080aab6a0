// SPDX-License-Identifier: Apache-2.0
// One function of the elements of up to two arrays, 16 bytes at a time where they are aligned.
#pragma once

#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"

namespace cadenza::kernels {

inline constexpr int kMapThreads = 256;
inline constexpr int kMapWidth = 4;  // elements that a thread handles at once

/// Elements that are loaded and stored as one.
template <typename T, int kWidth = kMapWidth>
struct alignas(kWidth * sizeof(T)) Pack {
  T value[kWidth];
};

template <typename T>
bool packs_at(const T* array) {
  return reinterpret_cast<std::uintptr_t>(array) % sizeof(Pack<T>) == 0;
}

// y[i] = function(x[i]...) for `count` elements.
// Mapping: threads of all blocks take packs of four in turn, then the elements behind `packed`.
// Memory: each array is read or written once; no shared memory.
// Numerics: those of `function`.
// Limits: `packed` is a multiple of four, 0 where an array is not aligned; arrays may be equal.
template <typename Function, typename Y, typename... X>
__global__ void map_kernel(Function function, std::int64_t packed, std::int64_t count, Y* y,
                           const X*... x) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (std::int64_t i = kMapWidth * thread; i < packed; i += kMapWidth * threads) {
    const auto apply = [&](const Pack<X>&... in) {
      Pack<Y> out;
#pragma unroll
      for (int j = 0; j < kMapWidth; ++j) out.value[j] = function(in.value[j]...);
      return out;
    };
    store_vector(reinterpret_cast<Pack<Y>*>(y + i),
                 apply(load_vector(reinterpret_cast<const Pack<X>*>(x + i))...));
  }
  for (std::int64_t i = packed + thread; i < count; i += threads) y[i] = function(x[i]...);
}

/// Launches map_kernel for the operation `name`.
template <typename Function, typename Y, typename... X>
void map(const char* name, cudaStream_t stream, Function function, std::int64_t count, Y* y,
         const X*... x) {
  const bool aligned = packs_at(y) && (... && packs_at(x));
  const std::int64_t packed = aligned ? count / kMapWidth * kMapWidth : 0;
  launch({.kernel = name,
          .shape = {count},
          .grid = dim3(blocks_for(count, kMapThreads * kMapWidth, kManyBlocks)),
          .block = dim3(kMapThreads),
          .stream = stream},
         map_kernel<Function, Y, X...>, function, packed, count, y, x...);
}

}  // namespace cadenza::kernels
