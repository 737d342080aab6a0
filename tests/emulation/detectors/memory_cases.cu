// SPDX-License-Identifier: Apache-2.0
#include "cases.h"
#include "kernels/device/kernel.h"

namespace cadenza::test {
namespace {

using namespace cadenza::kernels;

constexpr std::size_t kTwoArrays = SharedBytes().add<float>(kThreads).add<float>(kThreads).bytes();

__global__ void right_dynamic(float* y, const float* x) {
  DynamicShared shared;
  float* a = shared.take<float>(kThreads);
  float* b = shared.take<float>(kThreads);
  const unsigned t = threadIdx.x;
  a[t] = x[t];
  b[t] = 2 * x[t];
  __syncthreads();
  y[t] = b[kThreads - 1 - t] - a[kThreads - 1 - t];
}

__global__ void writes_behind_shared_array(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  float* p = s;
  const unsigned t = threadIdx.x;
  p[t + 1] = x[t];
  __syncthreads();
  y[t] = p[t];
}

__global__ void reads_behind_shared_array(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const float* p = s;
  const unsigned t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  y[t] = p[t + 1] + p[t];
}

__global__ void reads_behind_dynamic_array(float* y, const float* x) {
  DynamicShared shared;
  float* a = shared.take<float>(kThreads);
  float* b = shared.take<float>(kThreads);
  const unsigned t = threadIdx.x;
  a[t] = x[t];
  b[t] = 0;
  __syncthreads();
  y[t] = a[t + kThreads];
}

__global__ void takes_more_than_launched(float* y, const float* x) {
  DynamicShared shared;
  float* a = shared.take<float>(3 * kThreads);
  a[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = a[threadIdx.x];
}

__global__ void takes_different_sizes(float* y, const float* x) {
  DynamicShared shared;
  float* a = shared.take<float>(threadIdx.x < 64 ? kThreads : kThreads / 2);
  a[threadIdx.x % 64] = x[threadIdx.x];
  y[threadIdx.x] = a[threadIdx.x % 64];
}

__global__ void index_outside_row(float* y, const float* x) {
  CADENZA_SHARED(s, float[8][16]);
  const unsigned t = threadIdx.x;
  s[t / 16][t % 16] = x[t];
  __syncthreads();
  y[t] = s[t / 32][t % 32];
}

__global__ void reads_behind_global_array(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x + 1];
}

__global__ void writes_before_global_array(float* y, const float* x) {
  (y - 1)[threadIdx.x] = x[threadIdx.x];
}

__global__ void misaligned_vector(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  if (t < 8) y[t] = load_vector(reinterpret_cast<const float4*>(x + 4 * t + 1)).x;
}

__global__ void misaligned_store(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  if (t < 8) store_vector(reinterpret_cast<float2*>(y + 2 * t + 1), make_float2(x[t], x[t]));
}

__global__ void reads_unwritten_shared(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  if (t != 7) s[t] = x[t];
  __syncthreads();
  y[t] = s[t];
}

__global__ void blocks_write_one_address(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x] * static_cast<float>(blockIdx.x + 1);
}

__global__ void right_flag(float* y, const float* x) {
  auto* flag = reinterpret_cast<unsigned*>(y + kFlag);
  const unsigned t = threadIdx.x;
  if (blockIdx.x == 0) {
    y[t] = x[t];
    __syncthreads();
    if (t == 0) store_release(flag, 7);
  } else {
    if (t == 0) {
      while (load_acquire(flag) != 7) {
      }
    }
    __syncthreads();
    y[kThreads + t] = y[t];
  }
}

__global__ void flag_without_release(float* y, const float* x) {
  auto* flag = reinterpret_cast<unsigned*>(y + kFlag);
  const unsigned t = threadIdx.x;
  if (blockIdx.x == 0) {
    y[t] = x[t];
    __syncthreads();
    if (t == 0) atomicExch(flag, 7U);
  } else {
    if (t == 0) {
      while (load_acquire(flag) != 7) {
      }
    }
    __syncthreads();
    y[kThreads + t] = y[t];
  }
}

// Recurses until the stack of the thread is used up.
float deep(const float* x, int depth) {
  volatile float frame[1024];
  for (auto& element : frame) element = x[0];
  const float below = depth < 100000 ? deep(x, depth + 1) : 0.0F;
  return below + frame[depth % 1024];
}

__global__ void uses_up_its_stack(float* y, const float* x) { y[threadIdx.x] = deep(x, 0); }

}  // namespace

std::vector<Case> memory_cases() {
  const char* const poison = "use-after-poison";
  const char* const outside = "write outside shared array 's'";
  return {
      {.name = "RightDynamic",
       .kernel = right_dynamic,
       .shared_bytes = kTwoArrays,
       .expected = reversed,
       .right = true},
      {.name = "WritesBehindSharedArray",
       .kernel = writes_behind_shared_array,
       .plain = outside,
       .asan = poison,
       .tsan = outside},
      {.name = "ReadsBehindSharedArray", .kernel = reads_behind_shared_array, .asan = poison},
      {.name = "ReadsBehindDynamicArray",
       .kernel = reads_behind_dynamic_array,
       .shared_bytes = kTwoArrays,
       .asan = poison},
      {.name = "TakesMoreThanLaunched",
       .kernel = takes_more_than_launched,
       .shared_bytes = kTwoArrays,
       .plain = "the kernel takes 1536 bytes",
       .asan = "the kernel takes 1536 bytes",
       .tsan = "the kernel takes 1536 bytes"},
      {.name = "TakesDifferentSizes",
       .kernel = takes_different_sizes,
       .shared_bytes = kTwoArrays,
       .plain = "arrays of different sizes",
       .asan = "arrays of different sizes",
       .tsan = "arrays of different sizes"},
      {.name = "IndexOutsideRow", .kernel = index_outside_row, .asan = "out of bounds"},
      {.name = "ReadsBehindGlobalArray",
       .kernel = reads_behind_global_array,
       .asan = "heap-buffer-overflow"},
      {.name = "WritesBeforeGlobalArray",
       .kernel = writes_before_global_array,
       .asan = "heap-buffer-overflow"},
      {.name = "MisalignedVector",
       .kernel = misaligned_vector,
       .plain = "misaligned vector load",
       .asan = "misaligned vector load",
       .tsan = "misaligned vector load"},
      {.name = "MisalignedStore",
       .kernel = misaligned_store,
       .plain = "misaligned vector store",
       .asan = "misaligned vector store",
       .tsan = "misaligned vector store"},
      {.name = "ReadsUnwrittenShared",
       .kernel = reads_unwritten_shared,
       .expected = same,
       .plain = "value",
       .asan = "value",
       .tsan = "value"},
      {.name = "BlocksWriteOneAddress",
       .kernel = blocks_write_one_address,
       .blocks = 2,
       .tsan = "data race"},
      {.name = "RightFlag",
       .kernel = right_flag,
       .blocks = 2,
       .cooperative = true,
       .expected = same,
       .outputs = 2 * kThreads,
       .right = true},
      {.name = "FlagWithoutRelease",
       .kernel = flag_without_release,
       .blocks = 2,
       .cooperative = true,
       .tsan = "data race"},
      {.name = "UsesUpItsStack",
       .kernel = uses_up_its_stack,
       .plain = "killed by signal",
       .asan = "stack-overflow"},
  };
}

}  // namespace cadenza::test
