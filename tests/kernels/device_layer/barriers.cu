// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/device/launch.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

// Two buffers in turn: whoever writes one again has seen all arrive since it was read.
__global__ void rotate_by_mbarrier_kernel(const int* from, int rounds, int* to) {
  CADENZA_SHARED(cells, int[2][kRingThreads]);
  CADENZA_SHARED(barrier, MBarrier);
  const auto thread = static_cast<int>(threadIdx.x);
  if (thread == 0) mbarrier_init(&barrier, kRingThreads);
  __syncthreads();
  int value = from[thread];
  for (int round = 0; round < rounds; ++round) {
    cells[round % 2][thread] = value;
    mbarrier_arrive(&barrier);
    mbarrier_wait(&barrier, static_cast<unsigned>(round) % 2);
    value = cells[round % 2][(thread + 1) % kRingThreads];
  }
  to[thread] = value;
}

enum NamedBarrier : unsigned { kMirrored = 1, kDoubled = 2, kLoaded = 15 };

// The halves wait for each other in turn; the one that goes on only says that it is done.
__global__ void alternate_by_named_barriers_kernel(const int* from, int rounds, int* to) {
  CADENZA_SHARED(mirrored, int[kTeamThreads]);
  CADENZA_SHARED(doubled, int[kTeamThreads]);
  constexpr unsigned kBoth = 2 * kTeamThreads;
  const auto thread = static_cast<int>(threadIdx.x) % kTeamThreads;
  if (threadIdx.x < kTeamThreads) {
    doubled[thread] = from[thread];
    named_barrier_sync(kLoaded, kTeamThreads);
    for (int round = 0; round < rounds; ++round) {
      mirrored[thread] = doubled[kTeamThreads - 1 - thread] + 1;
      named_barrier_arrive(kMirrored, kBoth);
      named_barrier_sync(kDoubled, kBoth);
    }
    to[thread] = doubled[thread];
  } else {
    for (int round = 0; round < rounds; ++round) {
      named_barrier_sync(kMirrored, kBoth);
      doubled[thread] = 2 * mirrored[(thread + 1) % kTeamThreads];
      named_barrier_arrive(kDoubled, kBoth);
    }
  }
}

}  // namespace

void rotate_by_mbarrier(const int* from, int rounds, int* to) {
  launch({.kernel = "rotate_by_mbarrier",
          .shape = {rounds, kRingThreads},
          .grid = dim3(1),
          .block = dim3(kRingThreads)},
         rotate_by_mbarrier_kernel, from, rounds, to);
}

void alternate_by_named_barriers(const int* from, int rounds, int* to) {
  launch({.kernel = "alternate_by_named_barriers",
          .shape = {rounds, kTeamThreads},
          .grid = dim3(1),
          .block = dim3(2 * kTeamThreads)},
         alternate_by_named_barriers_kernel, from, rounds, to);
}

}  // namespace cadenza::kernels
