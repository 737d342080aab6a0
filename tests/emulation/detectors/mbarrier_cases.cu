// SPDX-License-Identifier: Apache-2.0
#include "cases.h"
#include "kernels/device/kernel.h"

namespace cadenza::test {
namespace {

using namespace cadenza::kernels;

enum class Mistake { kNone, kNotWaited, kNotReleased, kTooFewBytes };

/// The last warp fills two stages by bulk copies, the others double what they find.
template <Mistake kMistake>
__global__ void ring(float* y, const float* x) {
  constexpr unsigned kSteps = 4;
  constexpr unsigned kStage = kThreads / kSteps;
  CADENZA_SHARED(s, float[2][kStage]);
  CADENZA_SHARED(full, MBarrier[2]);
  CADENZA_SHARED(empty, MBarrier[2]);
  const unsigned t = threadIdx.x;
  if (t == 0) {
    for (unsigned i = 0; i < 2; ++i) {
      mbarrier_init(&full[i], 1);
      mbarrier_init(&empty[i], kStage);
    }
  }
  __syncthreads();
  if (t == kThreads - 1) {
    for (unsigned step = 0; step < kSteps; ++step) {
      const unsigned stage = step % 2;
      if (step >= 2 && kMistake != Mistake::kNotReleased) {
        mbarrier_wait(&empty[stage], (step / 2 - 1) % 2);
      }
      const unsigned bytes = kStage * sizeof(float);
      mbarrier_arrive_expect(&full[stage], kMistake == Mistake::kTooFewBytes ? bytes + 16 : bytes);
      copy_bulk(s[stage], x + step * kStage, bytes, &full[stage]);
    }
  } else if (t < kStage) {
    for (unsigned step = 0; step < kSteps; ++step) {
      const unsigned stage = step % 2;
      if (kMistake != Mistake::kNotWaited) mbarrier_wait(&full[stage], step / 2 % 2);
      y[step * kStage + t] = s[stage][t];
      mbarrier_arrive(&empty[stage]);
    }
  }
}

__global__ void not_made(float* y, const float* x) {
  CADENZA_SHARED(barrier, MBarrier);
  mbarrier_arrive(&barrier);
  y[threadIdx.x] = x[threadIdx.x];
}

__global__ void too_many_arrivals(float* y, const float* x) {
  CADENZA_SHARED(barrier, MBarrier);
  if (threadIdx.x == 0) mbarrier_init(&barrier, kThreads);
  __syncthreads();
  // The phase cannot end: it waits for bytes.
  if (threadIdx.x == 0) mbarrier_arrive_expect(&barrier, 16);
  mbarrier_arrive(&barrier);
  y[threadIdx.x] = x[threadIdx.x];
}

__global__ void right_peer_store(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  CADENZA_SHARED(arrived, MBarrier);
  const cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
  const unsigned t = threadIdx.x;
  const unsigned rank = cluster.block_rank();
  if (t == 0) {
    mbarrier_init(&arrived, 1);
    mbarrier_arrive_expect(&arrived, kThreads * sizeof(float));
  }
  cluster.sync();
  store_async(&s[t], x[t] + static_cast<float>(rank), &arrived, 1 - rank);
  mbarrier_wait<Scope::kCluster>(&arrived, 0);
  y[rank * kThreads + t] = s[t];
  cluster.sync();
}

__global__ void peer_store_not_waited_for(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  CADENZA_SHARED(arrived, MBarrier);
  const cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
  const unsigned t = threadIdx.x;
  const unsigned rank = cluster.block_rank();
  if (t == 0) {
    mbarrier_init(&arrived, 1);
    mbarrier_arrive_expect(&arrived, kThreads * sizeof(float));
  }
  cluster.sync();
  store_async(&s[t], x[t] + static_cast<float>(rank), &arrived, 1 - rank);
  y[rank * kThreads + t] = s[t];
  cluster.sync();
}

}  // namespace

std::vector<Case> mbarrier_cases() {
  const char* const race = "data race";
  const char* const stuck = "wait in an mbarrier";
  return {
      {.name = "RightRing", .kernel = ring<Mistake::kNone>, .expected = same, .right = true},
      {.name = "RingNotWaited",
       .kernel = ring<Mistake::kNotWaited>,
       .plain = "deadlock",
       .asan = "use-after-poison",
       .tsan = race},
      {.name = "RingNotReleased",
       .kernel = ring<Mistake::kNotReleased>,
       .plain = "more arrivals than its count",
       .asan = "more arrivals than its count",
       .tsan = "more arrivals than its count"},
      {.name = "RingOfTooFewBytes",
       .kernel = ring<Mistake::kTooFewBytes>,
       .plain = stuck,
       .asan = stuck,
       .tsan = stuck},
      {.name = "MBarrierNotMade",
       .kernel = not_made,
       .plain = "mbarrier used before it was made",
       .asan = "mbarrier used before it was made",
       .tsan = "mbarrier used before it was made"},
      {.name = "TooManyArrivals",
       .kernel = too_many_arrivals,
       .plain = "more arrivals than its count",
       .asan = "more arrivals than its count",
       .tsan = "more arrivals than its count"},
      {.name = "RightPeerStore",
       .kernel = right_peer_store,
       .blocks = 2,
       .cluster = 2,
       .expected = other_block,
       .outputs = 2 * kThreads,
       .right = true},
      {.name = "PeerStoreNotWaitedFor",
       .kernel = peer_store_not_waited_for,
       .blocks = 2,
       .cluster = 2,
       .expected = other_block,
       .outputs = 2 * kThreads,
       .plain = "value",
       .asan = "value",
       .tsan = race},
  };
}

}  // namespace cadenza::test
