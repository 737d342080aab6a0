// SPDX-License-Identifier: Apache-2.0
// 2: how many bytes a clock a block sends to (or loads from) the others of its cluster when all do
// so at once, 32 KiB at a time to each peer in turn.
#include <algorithm>

#include "bench/micro/benchmarks.h"
#include "bench/micro/ptx.h"

namespace cadenza::micro {
namespace {

enum class Way { kStore, kLoad, kStoreAsync, kBulkCopy };

constexpr int kThreads = 512;
constexpr unsigned kChunk = 32 * 1024;
constexpr unsigned kPieces = kChunk / 16 / kThreads;  // of a thread
constexpr unsigned kBarriers = 4;

/// mapping: block = source and target. memory: a source and a target chunk. numerics: none, bytes
/// are not looked at. limits: asynchronous ways keep two batches in flight; a batch visits every
/// peer equally often and counts on one phase. With four barriers the count is exact: who sends
/// batch b + 4 has completed b + 2, so all have sent b + 2, so all have completed b.
template <Way kWay>
__global__ void __launch_bounds__(kThreads)
    cluster_copy_kernel(int batches, int visits, Mark* marks) {
  constexpr bool kAsync = kWay == Way::kStoreAsync || kWay == Way::kBulkCopy;
  CADENZA_SHARED(barriers, MBarrier[kBarriers]);
  kernels::DynamicShared shared;
  auto* const words = shared.take<std::uint32_t>(2 * kChunk / 4);
  auto cluster = cooperative_groups::this_cluster();
  const unsigned blocks = cluster.num_blocks();
  const unsigned rank = cluster_rank();
  const unsigned thread = threadIdx.x;
  const std::uint32_t target = kernels::shared_address(words);
  const std::uint32_t source = target + kChunk;
  const std::uint32_t bars = kernels::shared_address(barriers);
  for (unsigned i = thread; i < 2 * kChunk / 4; i += kThreads) words[i] = mixed(i + rank);
  if (thread < kBarriers) kernels::mbarrier_init(&barriers[thread], 1);
  fence_async_proxy();
  cluster.sync();

  const auto completed = [&](int batch) {
    const unsigned index = static_cast<unsigned>(batch);
    return wait_bounded(bars + index % kBarriers * sizeof(MBarrier), index / kBarriers & 1u);
  };
  Span span;
  if (thread == 0) span.start();
  unsigned sum = 0;
  unsigned turn = 0;
  bool dead = false;
  for (int batch = 0; batch < batches && !dead; ++batch) {
    const std::uint32_t barrier =
        bars + static_cast<unsigned>(batch) % kBarriers * sizeof(MBarrier);
    if (kAsync && thread == 0) expect_bytes(barrier, static_cast<unsigned>(visits) * kChunk);
    for (int visit = 0; visit < visits; ++visit) {
      const unsigned peer = (rank + 1 + turn) % blocks;
      turn = turn + 1 == blocks - 1 ? 0 : turn + 1;
      const std::uint32_t there = at_peer(target, peer);
      const std::uint32_t its_barrier = at_peer(barrier, peer);
      if constexpr (kWay == Way::kBulkCopy) {
        if (thread == 0) copy_to_peer(there, source, kChunk, its_barrier);
      } else {
        uint4 got[kPieces] = {};
#pragma unroll
        for (unsigned i = 0; i < kPieces; ++i) {
          const std::uint32_t place = there + (i * kThreads + thread) * 16;
          if constexpr (kWay == Way::kStore) store_remote16(place, thread);
          if constexpr (kWay == Way::kStoreAsync) store_async16(place, thread, its_barrier);
          if constexpr (kWay == Way::kLoad) got[i] = load_remote16(place);
        }
        for (const uint4& v : got) sum += v.x ^ v.y ^ v.z ^ v.w;
      }
    }
    if (kAsync && batch > 0) dead = __syncthreads_or(!completed(batch - 1)) != 0;
  }
  if (kAsync && !dead) dead = !completed(batches - 1);
  cluster.sync();  // plain stores have arrived only now
  if (thread == 0) span.stop(marks[blockIdx.x]);
  if (dead) atomicAdd(&marks[blockIdx.x].failures, 1);
  if (sum == 0x13579BDFu) marks[blockIdx.x].sink = 1;
}

template <Way kWay>
void run_case(const char* way, unsigned cluster, bool all) {
  kernels::LaunchConfig config = {.kernel = "cluster_copy",
                                  .shape = {cluster, kChunk},
                                  .grid = dim3(cluster),
                                  .block = dim3(kThreads),
                                  .shared_bytes = 120 * 1024,
                                  .cluster = cluster};
  const int peers = static_cast<int>(cluster) - 1;
  const int visits = peers * std::max(1, 8 / peers);
  const int batches = 128 / visits;
  Row row("cluster_copy");
  row.add("way", way).add("cluster", cluster);
  attempt(row, [&] {
    const auto* const kernel = reinterpret_cast<const void*>(cluster_copy_kernel<kWay>);
    const int clusters = all ? resident_clusters(kernel, config) : 1;
    row.add("clusters", clusters);
    if (clusters == 0) {
      row.skipped("no cluster of this shape fits");
      return;
    }
    config.grid = dim3(static_cast<unsigned>(clusters) * cluster);
    const Sample sample = measure(static_cast<int>(config.grid.x), 5, [&](Mark* marks) {
      kernels::launch(config, cluster_copy_kernel<kWay>, batches, visits, marks);
    });
    const double bytes = static_cast<double>(batches) * visits * kChunk;
    print_sample(row, sample, bytes / sample.cycles, "B/clk/SM", "18-20, 13 at worst");
  });
}

}  // namespace

void bench_cluster_copy() {
  for (const unsigned cluster : {2u, 4u, 8u, 16u}) {
    for (const bool all : {false, true}) {
      run_case<Way::kStore>("store", cluster, all);
      run_case<Way::kLoad>("load", cluster, all);
      run_case<Way::kStoreAsync>("store_async", cluster, all);
      run_case<Way::kBulkCopy>("bulk_copy", cluster, all);
    }
  }
}

}  // namespace cadenza::micro
