// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/device/launch.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kColumns = 17;  // odd, as where rows are padded
constexpr int kRows = kThreads / 16;

__device__ int is_misaligned(const void* array) {
  return reinterpret_cast<std::uintptr_t>(array) % kSharedAlignment == 0 ? 0 : 1;
}

// Arrays of other alignments behind each other: low bytes, the other bytes as doubles, one word.
__global__ void mirror_in_shared_kernel(int count, const int* from, int* to, int* misaligned) {
  DynamicShared shared;
  auto* low = shared.take<unsigned char>(kThreads + 1);
  auto* high = shared.take<double>(static_cast<std::size_t>(count));
  auto* last = shared.take<std::uint64_t>(1);
  CADENZA_SHARED(table, int[kRows][kColumns]);
  CADENZA_SHARED(total, int);
  const auto thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < count; i += kThreads) high[i] = from[i] / 256;
  low[thread] = static_cast<unsigned char>(from[count - 1 - thread] % 256);
  table[thread / 16][thread % 16] = thread;
  if (thread == 0) {
    total = count;
    *last = 1;
    *misaligned = is_misaligned(low) + is_misaligned(high) + is_misaligned(last);
  }
  __syncthreads();
  const int mirrored = kThreads - 1 - thread;
  const int other = table[mirrored / 16][mirrored % 16];  // is `mirrored`
  const int i = kThreads - 1 - other;
  to[i] = (static_cast<int>(high[total - 1 - i]) * 256 + low[i]) * static_cast<int>(*last);
}

template <typename Vector>
__global__ void reverse_vectors_kernel(const Vector* from, int count, Vector* to) {
  const auto i = static_cast<int>(threadIdx.x);
  if (i < count) store_vector(&to[count - 1 - i], load_vector(&from[i]));
}

template <typename Vector>
void launch_reverse(const Vector* from, int count, Vector* to) {
  launch({.kernel = "reverse_vectors",
          .shape = {count},
          .grid = dim3(1),
          .block = dim3(static_cast<unsigned>(count))},
         reverse_vectors_kernel<Vector>, from, count, to);
}

}  // namespace

void mirror_in_shared(int count, const int* from, int* to, int* misaligned) {
  launch({.kernel = "mirror_in_shared",
          .shape = {count},
          .grid = dim3(1),
          .block = dim3(kThreads),
          .shared_bytes = SharedBytes()
                              .add<unsigned char>(kThreads + 1)
                              .add<double>(static_cast<std::size_t>(count))
                              .add<std::uint64_t>(1)
                              .bytes()},
         mirror_in_shared_kernel, count, from, to, misaligned);
}

void reverse_vectors(const float4* from, int count, float4* to) { launch_reverse(from, count, to); }
void reverse_vectors(const int2* from, int count, int2* to) { launch_reverse(from, count, to); }

}  // namespace cadenza::kernels
