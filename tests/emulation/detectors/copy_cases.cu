// SPDX-License-Identifier: Apache-2.0
#include "cases.h"
#include "kernels/device/kernel.h"

namespace cadenza::test {
namespace {

using namespace cadenza::kernels;

__global__ void right_copy(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  if (t < kThreads / 4) copy_async16(&s[4 * t], x + 4 * t);
  copy_async_commit();
  copy_async_wait<0>();
  __syncthreads();
  y[t] = s[kThreads - 1 - t];
}

// Two stages; the barrier at the end of a step protects the stage that is filled next.
template <bool kProtected>
__global__ void staged_copies(float* y, const float* x) {
  CADENZA_SHARED(s, float[2][kThreads / 4]);
  const unsigned t = threadIdx.x;
  const auto fill = [&](unsigned step) {
    if (t < kThreads / 16) copy_async16(&s[step % 2][4 * t], x + step * kThreads / 4 + 4 * t);
    copy_async_commit();
  };
  fill(0);
  for (unsigned step = 0; step < 4; ++step) {
    if (step + 1 < 4) {
      fill(step + 1);
      copy_async_wait<1>();
    } else {
      copy_async_wait<0>();
    }
    __syncthreads();
    if (t < kThreads / 4) y[step * kThreads / 4 + t] = s[step % 2][t];
    if (kProtected) __syncthreads();
  }
}

__global__ void copy_not_waited_for(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  if (t < kThreads / 4) copy_async16(&s[4 * t], x + 4 * t);
  copy_async_commit();
  __syncthreads();
  y[t] = s[t];
}

__global__ void copy_without_barrier(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  if (t < kThreads / 4) copy_async16(&s[4 * t], x + 4 * t);
  copy_async_commit();
  copy_async_wait<0>();
  y[t] = s[kThreads - 1 - t];
}

__global__ void wait_leaves_a_group(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  if (t < kThreads / 4) copy_async16(&s[4 * t], x + 4 * t);
  copy_async_commit();
  copy_async_wait<1>();
  __syncthreads();
  y[t] = s[t];
  __syncthreads();
  copy_async_wait<0>();
}

__global__ void copy_not_committed(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  if (t < kThreads / 4) copy_async16(&s[4 * t], x + 4 * t);
  copy_async_wait<0>();
  __syncthreads();
  y[t] = s[t];
}

__global__ void misaligned_copy(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads + 4]);
  const unsigned t = threadIdx.x;
  if (t < kThreads / 4) copy_async16(&s[4 * t + 1], x + 4 * t);
  copy_async_commit();
  copy_async_wait<0>();
  __syncthreads();
  y[t] = s[t + 1];
}

__global__ void copy_to_global_memory(float* y, const float* x) {
  copy_async16(y + 4 * threadIdx.x, x);
  copy_async_commit();
  copy_async_wait<0>();
}

}  // namespace

std::vector<Case> copy_cases() {
  const char* const poison = "use-after-poison";
  return {
      {.name = "RightCopy", .kernel = right_copy, .expected = reversed, .right = true},
      {.name = "RightStages", .kernel = staged_copies<true>, .expected = same, .right = true},
      {.name = "StageNotProtected",
       .kernel = staged_copies<false>,
       .expected = same,
       .plain = "value",
       .asan = poison,
       .tsan = "data race"},
      {.name = "CopyNotWaitedFor",
       .kernel = copy_not_waited_for,
       .plain = "never waited for",
       .asan = poison,
       .tsan = "never waited for"},
      {.name = "CopyWithoutBarrier",
       .kernel = copy_without_barrier,
       .expected = reversed,
       .plain = "value",
       .asan = "value",
       .tsan = "data race"},
      {.name = "WaitLeavesAGroup",
       .kernel = wait_leaves_a_group,
       .expected = same,
       .plain = "value",
       .asan = poison,
       .tsan = "value"},
      {.name = "CopyNotCommitted",
       .kernel = copy_not_committed,
       .plain = "never waited for",
       .asan = poison,
       .tsan = "never waited for"},
      {.name = "MisalignedCopy",
       .kernel = misaligned_copy,
       .plain = "not a multiple of 16",
       .asan = "not a multiple of 16",
       .tsan = "not a multiple of 16"},
      {.name = "CopyToGlobalMemory",
       .kernel = copy_to_global_memory,
       .plain = "not inside one shared array",
       .asan = "not inside one shared array",
       .tsan = "not inside one shared array"},
  };
}

}  // namespace cadenza::test
