// SPDX-License-Identifier: Apache-2.0
#include "cases.h"
#include "kernels/device/kernel.h"

namespace cadenza::test {
namespace {

using namespace cadenza::kernels;

constexpr unsigned kFull = 0xFFFFFFFFU;
constexpr unsigned kLowHalf = 0x0000FFFFU;

// Two halves of a warp go different ways, each with its own mask, and meet again.
__global__ void right_halves(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  float value = x[t];
  if (t % 32 < 16) {
    value = __shfl_xor_sync(kLowHalf, value, 1);
  } else {
    for (int i = 0; i < 3; ++i) value = __shfl_xor_sync(~kLowHalf, value, 1);
  }
  y[t] = __shfl_sync(kFull, value, static_cast<int>(t) % 32);
}

__global__ void right_exchange(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  s[t] = x[t];
  __syncwarp();
  const float found = s[t ^ 1U];
  __syncwarp();
  s[t] = found;
  __syncwarp();
  y[t] = s[t];
}

// A shuffle orders no memory.
__global__ void no_syncwarp(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const unsigned t = threadIdx.x;
  s[t] = x[t];
  const float own = __shfl_sync(kFull, x[t], static_cast<int>(t) % 32);
  y[t] = s[t ^ 1U] + 0 * own;
}

__global__ void barrier_against_shuffle(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  y[t] = x[t];
  if (t % 32 < 16) __syncthreads();
  y[t] += __shfl_xor_sync(kFull, x[t], 16);
}

__global__ void half_does_not_shuffle(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  y[t] = x[t];
  if (t % 32 < 16) y[t] = __shfl_xor_sync(kFull, x[t], 16);
  __syncthreads();
}

__global__ void two_shuffles_meet(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  if (t % 32 < 16) {
    y[t] = __shfl_xor_sync(kFull, x[t], 16);
  } else {
    y[t] = __shfl_xor_sync(kFull, x[t], 16);
  }
}

__global__ void shuffle_meets_vote(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  y[t] = x[t];
  if (t % 32 < 16) {
    y[t] = __shfl_xor_sync(kFull, x[t], 16);
  } else if (__any_sync(kFull, t == 3) != 0) {
    y[t] = 0.0F;
  }
}

__global__ void masks_differ(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  y[t] = __shfl_xor_sync(t % 32 < 16 ? kFull : 0x7FFFFFFFU | 1U << (t % 32), x[t], 1);
}

__global__ void own_lane_missing(float* y, const float* x) {
  y[threadIdx.x] = __shfl_sync(kFull - 1, x[threadIdx.x], 1);
}

__global__ void reads_exited_lane(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  y[t] = x[t];
  if (t % 32 >= 16) return;
  y[t] = __shfl_xor_sync(kFull, x[t], 16);
}

__global__ void lane_exits_before_mma(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  y[t] = x[t];
  if (t % 32 == 5) return;
  float d[4] = {};
  const std::uint32_t a[4] = {};
  const std::uint32_t b[2] = {};
  mma_bf16_m16n8k16(d, a, b, d);
  y[t] += d[0];
}

__global__ void right_reductions(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  const auto lane = static_cast<int>(t % 32);
  bool ok = __reduce_add_sync(kFull, lane) == 496;
  ok = ok && __reduce_min_sync(kFull, lane - 7) == -7;
  ok = ok && __reduce_max_sync(kFull, lane - 40) == -9;
  ok = ok && __reduce_max_sync(kFull, t % 32 + 0x80000000U) == 0x8000001FU;
  ok = ok && __reduce_or_sync(kFull, 1U << lane) == kFull;
  ok = ok && __reduce_and_sync(kFull, ~(1U << lane)) == 0;
  ok = ok && __match_any_sync(kFull, lane % 16) == 0x00010001U << (lane % 16);
  y[t] = ok ? x[t] : 0.0F;
}

}  // namespace

std::vector<Case> warp_cases() {
  const char* const mismatch = "warp mask mismatch";
  const char* const own_lane = "warp mask without the caller's lane";
  const char* const divergent = "divergent warp function";
  const char* const all_lanes = "mma with mask 0xffffffff";
  return {
      {.name = "RightHalves", .kernel = right_halves, .expected = neighbour, .right = true},
      {.name = "RightExchange", .kernel = right_exchange, .expected = neighbour, .right = true},
      {.name = "RightReductions", .kernel = right_reductions, .expected = same, .right = true},
      {.name = "NoSyncwarp", .kernel = no_syncwarp, .tsan = "data race"},
      {.name = "BarrierAgainstShuffle",
       .kernel = barrier_against_shuffle,
       .plain = "deadlock",
       .asan = "deadlock",
       .tsan = "deadlock"},
      {.name = "HalfDoesNotShuffle",
       .kernel = half_does_not_shuffle,
       .plain = "64 wait in a shuffle",
       .asan = "64 wait in a shuffle",
       .tsan = "64 wait in a shuffle"},
      {.name = "TwoShufflesMeet",
       .kernel = two_shuffles_meet,
       .plain = divergent,
       .asan = divergent,
       .tsan = divergent},
      {.name = "ShuffleMeetsVote",
       .kernel = shuffle_meets_vote,
       .plain = mismatch,
       .asan = mismatch,
       .tsan = mismatch},
      {.name = "MasksDiffer",
       .kernel = masks_differ,
       .plain = mismatch,
       .asan = mismatch,
       .tsan = mismatch},
      {.name = "OwnLaneMissing",
       .kernel = own_lane_missing,
       .plain = own_lane,
       .asan = own_lane,
       .tsan = own_lane},
      {.name = "ReadsExitedLane",
       .kernel = reads_exited_lane,
       .expected = same,
       .plain = "value",
       .asan = "value",
       .tsan = "value"},
      {.name = "LaneExitsBeforeMma",
       .kernel = lane_exits_before_mma,
       .plain = all_lanes,
       .asan = all_lanes,
       .tsan = all_lanes},
  };
}

}  // namespace cadenza::test
