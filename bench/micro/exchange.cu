// SPDX-License-Identifier: Apache-2.0
// 1: one round of an all-to-all inside a cluster, the step of a recurrence spread over its blocks:
// every block sends `bytes` to each peer, waits for theirs, and sends what follows from them.
#include <algorithm>

#include "bench/micro/benchmarks.h"
#include "bench/micro/ptx.h"

namespace cadenza::micro {
namespace {

enum class Way { kStoreAsync, kBulkCopy, kStoreAndBarrier, kBarrierAlone };

constexpr int kThreads = 256;
constexpr int kSlots = 3;  // a block is never two rounds ahead of the slowest reader of any other
constexpr int kRounds = 544;
constexpr int kWarmUp = 32;

/// Where a thread sends and reads in a slot; the same every round.
struct Route {
  std::uint32_t first_target, first_barrier, read_from;
};

/// mapping: cluster = one exchange, thread = 16-byte pieces for the peers in turn. memory: kSlots
/// buffers of blocks * bytes. numerics: integers, checked. limits: bytes a power of two >= 64.
template <Way kWay>
__global__ void __launch_bounds__(kThreads) exchange_kernel(int bytes, Mark* marks) {
  CADENZA_SHARED(barriers, MBarrier[kSlots]);
  kernels::DynamicShared shared;
  auto* const words = shared.take<uint4>(0);
  auto cluster = cooperative_groups::this_cluster();
  const unsigned blocks = cluster.num_blocks();
  const unsigned rank = cluster_rank();
  const unsigned thread = threadIdx.x;
  const unsigned pieces = static_cast<unsigned>(bytes) / 16;
  const unsigned total = pieces * (blocks - 1);
  const std::uint32_t buffer = kernels::shared_address(words);
  const std::uint32_t bars = kernels::shared_address(barriers);
  const std::uint32_t slot_bytes = blocks * static_cast<unsigned>(bytes);
  const std::uint32_t own = rank * static_cast<unsigned>(bytes);
  if (thread < kSlots) kernels::mbarrier_init(&barriers[thread], 1);
  cluster.sync();

  // Piece i goes to the (i / pieces)-th block after this one; `pieces` is a power of two.
  const unsigned shift = 31u - static_cast<unsigned>(__clz(static_cast<int>(pieces)));
  const unsigned mask = pieces - 1;
  const auto peer_of = [&](unsigned piece) {
    const unsigned peer = rank + 1 + (piece >> shift);
    return peer < blocks ? peer : peer - blocks;
  };
  const unsigned first = thread < total ? thread : total - 1;
  const Route route = {at_peer(buffer + own + (first & mask) * 16, peer_of(first)),
                       at_peer(bars, peer_of(first)),
                       peer_of(first) * static_cast<unsigned>(bytes) + (first & mask) * 16};
  const bool active = kWay != Way::kStoreAsync || thread < total;
  bool dead = false;
  unsigned wrong = 0;
  unsigned value = 1;
  Span span;
  for (int round = 0; active && round < kRounds; ++round) {
    if (kWay == Way::kStoreAsync && dead) break;
    if (round == kWarmUp && thread == 0) span.start();
    const unsigned slot = static_cast<unsigned>(round) % kSlots;
    const unsigned parity = static_cast<unsigned>(round) / kSlots & 1u;
    const std::uint32_t base = slot * slot_bytes;
    const std::uint32_t barrier = bars + slot * sizeof(MBarrier);
    if constexpr (kWay == Way::kStoreAsync) {
      if (thread == 0) expect_bytes(barrier, total * 16);
      store_async16(route.first_target + base, value,
                    route.first_barrier + slot * sizeof(MBarrier));
      for (unsigned i = thread + kThreads; i < total; i += kThreads) {
        store_async16(at_peer(buffer + base + own + (i & mask) * 16, peer_of(i)), value,
                      at_peer(barrier, peer_of(i)));
      }
      dead = !wait_bounded(barrier, parity);
    } else if constexpr (kWay == Way::kBulkCopy) {
      for (unsigned i = thread; i < pieces; i += kThreads) {
        words[(base + own) / 16 + i] = make_uint4(value, value, value, value);
      }
      fence_async_proxy();
      __syncthreads();
      if (thread == 0) expect_bytes(barrier, total * 16);
      if (thread < blocks - 1) {
        const unsigned peer = (rank + 1 + thread) % blocks;
        copy_to_peer(at_peer(buffer + base + own, peer), buffer + base + own,
                     static_cast<unsigned>(bytes), at_peer(barrier, peer));
      }
      if (!dead) dead = !wait_bounded(barrier, parity);
    } else {
      if constexpr (kWay == Way::kStoreAndBarrier) {
        for (unsigned i = thread; i < total; i += kThreads) {
          store_remote16(at_peer(buffer + base + own + (i & mask) * 16, peer_of(i)), value);
        }
      }
      cluster.sync();
    }
    if constexpr (kWay != Way::kBarrierAlone) {
      const uint4 got = words[(base + route.read_from) / 16];
      wrong |= got.x ^ value | got.w ^ value;
      value = got.x + 1;
    }
  }
  if (thread == 0) span.stop(marks[blockIdx.x]);
  if (dead || wrong != 0) atomicAdd(&marks[blockIdx.x].failures, 1);
  cluster.sync();  // nobody leaves while peers may still write here
}

template <Way kWay>
void run_case(const char* way, unsigned cluster, int bytes, bool all) {
  // More than half of the memory: one block on a multiprocessor.
  const std::size_t needed = static_cast<std::size_t>(kSlots) * cluster * bytes;
  kernels::LaunchConfig config = {.kernel = "exchange",
                                  .shape = {cluster, bytes},
                                  .grid = dim3(cluster),
                                  .block = dim3(kThreads),
                                  .shared_bytes = std::max<std::size_t>(needed, 120 * 1024),
                                  .cluster = cluster};
  Row row("exchange");
  row.add("way", way).add("cluster", cluster);
  row.add("bytes_to_each_peer", kWay == Way::kBarrierAlone ? 0 : bytes);
  attempt(row, [&] {
    const auto* const kernel = reinterpret_cast<const void*>(exchange_kernel<kWay>);
    const int clusters = all ? resident_clusters(kernel, config) : 1;
    row.add("clusters", clusters);
    if (clusters == 0) {
      row.skipped("no cluster of this shape fits");
      return;
    }
    config.grid = dim3(static_cast<unsigned>(clusters) * cluster);
    const Sample sample = measure(static_cast<int>(config.grid.x), 5, [&](Mark* marks) {
      kernels::launch(config, exchange_kernel<kWay>, bytes, marks);
    });
    print_sample(row, sample, sample.cycles / (kRounds - kWarmUp), "cycles/round",
                 kWay == Way::kBarrierAlone || kWay == Way::kStoreAndBarrier
                     ? "350-1200"
                     : "350 + bytes * (cluster - 1) / 20");
  });
}

}  // namespace

void bench_exchange() {
  constexpr std::size_t kMostShared = 224 * 1024;
  for (const unsigned cluster : {4u, 8u, 16u}) {
    for (const bool all : {false, true}) {
      run_case<Way::kBarrierAlone>("cluster_barrier", cluster, 64, all);
      for (const int bytes : {64, 256, 1024, 4096, 8192}) {
        if (static_cast<std::size_t>(kSlots) * cluster * bytes > kMostShared) continue;
        run_case<Way::kStoreAsync>("store_async", cluster, bytes, all);
        run_case<Way::kBulkCopy>("bulk_copy", cluster, bytes, all);
        run_case<Way::kStoreAndBarrier>("store_and_cluster_barrier", cluster, bytes, all);
      }
    }
  }
}

}  // namespace cadenza::micro
