// SPDX-License-Identifier: Apache-2.0
#include "cases.h"
#include "kernels/device/kernel.h"

namespace cadenza::test {
namespace {

using namespace cadenza::kernels;

__global__ void right_reverse(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  y[t] = s[kThreads - 1 - t];
}

__global__ void no_barrier_before_read(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  s[t] = x[t];
  y[t] = s[kThreads - 1 - t];
}

__global__ void no_barrier_before_overwrite(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  const float found = s[kThreads - 1 - t];
  s[t] = 2 * x[t];
  __syncthreads();
  y[t] = found + 0 * s[t];
}

// Some threads reach the first barrier of one line, the others go past it.
__global__ void barrier_in_divergent_code(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  y[t] = x[t];
  if (t < 16) __syncthreads();
  __syncwarp();
  __syncthreads();
}

__global__ void barrier_in_two_places(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  if (t < 64) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  y[t] = x[t];
}

__global__ void right_early_exit(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  y[t] = x[t];
  if (t >= 64) return;  // whole warps
  s[t] = x[t];
  __syncthreads();
  y[t] = s[63 - t] - s[63 - t] + s[t];
}

__global__ void right_vote(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  const int count = __syncthreads_count(t % 4 == 0);
  const bool all = __syncthreads_and(t < 64) != 0;
  const bool any = __syncthreads_or(t == 5) != 0;
  y[t] = count == kThreads / 4 && !all && any ? x[t] : 0.0F;
}

__global__ void right_named_barrier(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  const unsigned half = t / 64;
  s[t] = x[t];
  named_barrier_sync(1 + half, 64);
  const float within_half = s[half * 64 + 63 - t % 64];
  __syncthreads();
  s[t] = within_half;
  __syncthreads();
  y[t] = s[half == 0 ? 64 + t : t - 64];
}

__global__ void named_barrier_of_too_many(float* y, const float* x) {
  named_barrier_sync(1, 2 * kThreads);
  y[threadIdx.x] = x[threadIdx.x];
}

__global__ void named_barrier_counts_differ(float* y, const float* x) {
  named_barrier_sync(1, threadIdx.x < 64 ? 64 : kThreads);
  y[threadIdx.x] = x[threadIdx.x];
}

// The loop reads the flag by itself for ever.
__global__ void spins_for_ever(float* y, const float* x) {
  auto* flag = reinterpret_cast<unsigned*>(y + kFlag);
  if (threadIdx.x == 0) {
    store_release(flag, 0);
    while (load_acquire(flag) == 0) {
    }
  }
  y[threadIdx.x] = x[0];
}

}  // namespace

std::vector<Case> barrier_cases() {
  const char* const race = "data race";
  return {
      {.name = "RightReverse", .kernel = right_reverse, .expected = reversed, .right = true},
      {.name = "NoBarrierBeforeRead",
       .kernel = no_barrier_before_read,
       .expected = reversed,
       .plain = "value",
       .asan = "value",
       .tsan = race},
      {.name = "NoBarrierBeforeOverwrite",
       .kernel = no_barrier_before_overwrite,
       .expected = reversed,
       .plain = "value",
       .asan = "value",
       .tsan = race},
      {.name = "BarrierInDivergentCode",
       .kernel = barrier_in_divergent_code,
       .plain = "divergent __syncthreads",
       .asan = "divergent __syncthreads",
       .tsan = "divergent __syncthreads"},
      {.name = "BarrierInTwoPlaces",
       .kernel = barrier_in_two_places,
       .plain = "divergent __syncthreads",
       .asan = "divergent __syncthreads",
       .tsan = "divergent __syncthreads"},
      {.name = "RightEarlyExit", .kernel = right_early_exit, .expected = same, .right = true},
      {.name = "RightVote", .kernel = right_vote, .expected = same, .right = true},
      {.name = "RightNamedBarrier",
       .kernel = right_named_barrier,
       .expected = reversed,
       .right = true},
      {.name = "NamedBarrierOfTooMany",
       .kernel = named_barrier_of_too_many,
       .plain = "128 wait in a named barrier",
       .asan = "128 wait in a named barrier",
       .tsan = "128 wait in a named barrier"},
      {.name = "NamedBarrierCountsDiffer",
       .kernel = named_barrier_counts_differ,
       .plain = "counts of threads differ",
       .asan = "counts of threads differ",
       .tsan = "counts of threads differ"},
      {.name = "SpinsForEver",
       .kernel = spins_for_ever,
       .plain = "livelock",
       .asan = "livelock",
       .tsan = "livelock"},
  };
}

}  // namespace cadenza::test
