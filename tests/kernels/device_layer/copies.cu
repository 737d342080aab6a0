// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/device/launch.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

// Three stages: two groups are under way while a tile is read, and each thread reads what another
// one copied.
__global__ void reverse_by_group_copies_kernel(const float4* from, int tiles, int valid,
                                               float4* to) {
  constexpr int kStages = 3;
  CADENZA_SHARED(ring, float4[kStages][kTileVectors]);
  const auto thread = static_cast<int>(threadIdx.x);
  const auto start_copy = [&](int tile) {
    if (tile < tiles) {
      const int i = tile * kTileVectors + thread;
      copy_async16(&ring[tile % kStages][thread], i < valid ? from + i : from, i < valid);
    }
    copy_async_commit();
  };
  for (int tile = 0; tile < kStages - 1; ++tile) start_copy(tile);
  for (int tile = 0; tile < tiles; ++tile) {
    copy_async_wait<kStages - 2>();
    __syncthreads();  // also: nobody reads the stage that is filled next
    to[tile * kTileVectors + thread] = ring[tile % kStages][kTileVectors - 1 - thread];
    start_copy(tile + kStages - 1);
  }
}

/// A ring of tiles between one thread that fills them and kTileVectors that read them.
constexpr int kRing = 2;
constexpr int kFiller = kTileVectors;  // thread behind the readers

// A tile comes in two copies that count towards one phase.
__global__ void reverse_by_bulk_copies_kernel(const float4* from, int tiles, float4* to) {
  CADENZA_SHARED(ring, float4[kRing][kTileVectors]);
  CADENZA_SHARED(full, MBarrier[kRing]);
  CADENZA_SHARED(empty, MBarrier[kRing]);
  const auto thread = static_cast<int>(threadIdx.x);
  if (thread < kRing) {
    mbarrier_init(&full[thread], 1);
    mbarrier_init(&empty[thread], kTileVectors);
  }
  __syncthreads();
  if (thread == kFiller) {
    constexpr unsigned kBytes = kTileVectors * sizeof(float4);
    constexpr int kHalf = kTileVectors / 2;
    for (int tile = 0; tile < tiles; ++tile) {
      const int stage = tile % kRing;
      const int round = tile / kRing;
      if (round > 0) mbarrier_wait(&empty[stage], static_cast<unsigned>(round - 1) % 2);
      mbarrier_arrive_expect(&full[stage], kBytes);
      const float4* origin = from + tile * kTileVectors;
      copy_bulk(&ring[stage][0], origin, kBytes / 2, &full[stage]);
      copy_bulk(&ring[stage][kHalf], origin + kHalf, kBytes / 2, &full[stage]);
    }
  } else if (thread < kTileVectors) {
    for (int tile = 0; tile < tiles; ++tile) {
      const int stage = tile % kRing;
      mbarrier_wait(&full[stage], static_cast<unsigned>(tile / kRing) % 2);
      to[tile * kTileVectors + thread] = ring[stage][kTileVectors - 1 - thread];
      mbarrier_arrive(&empty[stage]);
    }
  }
}

}  // namespace

void reverse_by_group_copies(const float4* from, int tiles, int valid, float4* to) {
  launch({.kernel = "reverse_by_group_copies",
          .shape = {tiles, kTileVectors, 4},
          .grid = dim3(1),
          .block = dim3(kTileVectors)},
         reverse_by_group_copies_kernel, from, tiles, valid, to);
}

void reverse_by_bulk_copies(const float4* from, int tiles, float4* to) {
  launch({.kernel = "reverse_by_bulk_copies",
          .shape = {tiles, kTileVectors, 4},
          .grid = dim3(1),
          .block = dim3(kTileVectors + 32)},
         reverse_by_bulk_copies_kernel, from, tiles, to);
}

}  // namespace cadenza::kernels
