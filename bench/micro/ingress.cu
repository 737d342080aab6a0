// SPDX-License-Identifier: Apache-2.0
// 6: bytes a clock that arrive in a multiprocessor when all read the same few megabytes from L2: by
// loads, by bulk copies, and by bulk copies that a cluster shares.
#include "bench/micro/benchmarks.h"
#include "bench/micro/ptx.h"

namespace cadenza::micro {
namespace {

constexpr unsigned kTotal = 16u << 20;  // bytes that arrive in a block
constexpr unsigned kLoadThreads = 512;
constexpr unsigned kLoads = 8;  // in flight a thread
constexpr unsigned kStages = 8;
constexpr unsigned kChunk = 16 * 1024;
constexpr const char* kExpectedAlone = "26-31";
constexpr const char* kExpectedShared = "40-60";

struct Source {
  const uint4* words;
  unsigned bytes;  ///< a power of two
};

/// mapping: block reads all of the source in turn. memory: registers. numerics: not looked at.
__global__ void __launch_bounds__(kLoadThreads) load_kernel(Source source, Mark* marks) {
  constexpr unsigned kStride = kLoadThreads * kLoads;
  const unsigned mask = source.bytes / 16 - 1;
  unsigned sum = 0;
  __syncthreads();
  Span span;
  span.start();
  for (unsigned at = 0; at < kTotal / 16; at += kStride) {
    const uint4* const from = source.words + (at & mask) + threadIdx.x;
    uint4 got[kLoads];
#pragma unroll
    for (unsigned i = 0; i < kLoads; ++i) got[i] = __ldcg(from + i * kLoadThreads);
#pragma unroll
    for (unsigned i = 0; i < kLoads; ++i) sum += got[i].x ^ got[i].y ^ got[i].z ^ got[i].w;
  }
  __syncthreads();
  if (threadIdx.x == 0) span.stop(marks[blockIdx.x]);
  if (sum == 0x13579BDFu) marks[blockIdx.x].sink = 1;
}

/// mapping: thread 0 fetches, thread 32 frees; in a cluster each block fetches its part of a chunk
/// for all. memory: kStages chunks. numerics: not looked at. limits: clusters of 1, 2, 4 or 8.
template <unsigned kCluster>
__global__ void __launch_bounds__(64) copy_kernel(Source source, Mark* marks) {
  CADENZA_SHARED(full, MBarrier[kStages]);
  CADENZA_SHARED(empty, MBarrier[kStages]);
  kernels::DynamicShared shared;
  auto* const chunks = shared.take<uint4>(kStages * kChunk / 16);
  const std::uint32_t buffer = kernels::shared_address(chunks);
  const std::uint32_t fulls = kernels::shared_address(full);
  const std::uint32_t empties = kernels::shared_address(empty);
  const unsigned rank = cluster_rank();
  if (threadIdx.x < kStages) {
    kernels::mbarrier_init(&full[threadIdx.x], 1);
    kernels::mbarrier_init(&empty[threadIdx.x], kCluster);
  }
  auto cluster = cooperative_groups::this_cluster();
  cluster.sync();
  constexpr unsigned kPart = kChunk / kCluster;
  bool dead = false;
  Span span;
  span.start();
  for (unsigned chunk = 0; chunk < kTotal / kChunk && !dead; ++chunk) {
    const unsigned stage = chunk % kStages;
    const unsigned use = chunk / kStages;
    const std::uint32_t arrived = fulls + stage * sizeof(MBarrier);
    const std::uint32_t freed = empties + stage * sizeof(MBarrier);
    if (threadIdx.x == 0) {
      if (use > 0) dead = !wait_bounded(freed, (use - 1) & 1u);
      expect_bytes(arrived, kChunk);
      const unsigned at = (chunk * kChunk + rank * kPart) & (source.bytes - 1);
      const uint4* const from = source.words + at / 16;
      if constexpr (kCluster == 1) {
        kernels::copy_bulk(chunks + stage * kChunk / 16, from, kPart, &full[stage]);
      } else {
        copy_multicast(buffer + stage * kChunk + rank * kPart, from, kPart, arrived,
                       static_cast<std::uint16_t>((1u << kCluster) - 1));
      }
    } else if (threadIdx.x == 32) {
      dead = !wait_bounded(arrived, use & 1u);
      for (unsigned peer = 0; peer < kCluster; ++peer) arrive_at_peer(at_peer(freed, peer));
    }
  }
  if (dead) atomicAdd(&marks[blockIdx.x].failures, 1);
  __syncthreads();
  if (threadIdx.x == 0) span.stop(marks[blockIdx.x]);
  cluster.sync();
}

void run_loads(const Source& source) {
  Row row("ingress");
  row.add("way", "load").add("cluster", 1).add("mebibytes", source.bytes >> 20);
  attempt(row, [&] {
    const kernels::LaunchConfig config = {.kernel = "ingress",
                                          .shape = {source.bytes},
                                          .grid = dim3(static_cast<unsigned>(sm_count())),
                                          .block = dim3(kLoadThreads),
                                          .shared_bytes = 120 * 1024};
    const Sample sample = measure(
        sm_count(), 5, [&](Mark* marks) { kernels::launch(config, load_kernel, source, marks); });
    print_sample(row, sample, kTotal / sample.cycles, "B/clk/SM", kExpectedAlone);
  });
}

template <unsigned kCluster>
void run_copies(const Source& source) {
  Row row("ingress");
  row.add("way", kCluster == 1 ? "bulk_copy" : "bulk_multicast").add("cluster", kCluster);
  row.add("mebibytes", source.bytes >> 20);
  attempt(row, [&] {
    kernels::LaunchConfig config = {.kernel = "ingress",
                                    .shape = {source.bytes},
                                    .grid = dim3(kCluster),
                                    .block = dim3(64),
                                    .shared_bytes = kStages * kChunk,
                                    .cluster = kCluster};
    const auto* const kernel = reinterpret_cast<const void*>(copy_kernel<kCluster>);
    const int clusters = kCluster == 1 ? sm_count() : resident_clusters(kernel, config);
    if (clusters == 0) {
      row.skipped("no cluster of this shape fits");
      return;
    }
    if (kCluster == 1) kernels::raise_limits(config, kernel);
    config.grid = dim3(static_cast<unsigned>(clusters) * kCluster);
    const Sample sample = measure(static_cast<int>(config.grid.x), 5, [&](Mark* marks) {
      kernels::launch(config, copy_kernel<kCluster>, source, marks);
    });
    print_sample(row, sample, kTotal / sample.cycles, "B/clk/SM",
                 kCluster == 1 ? kExpectedAlone : kExpectedShared);
  });
}

}  // namespace

void bench_ingress() {
  constexpr unsigned kMost = 4u << 20;
  const DeviceArray<uint4> memory(kMost / 16);
  for (const unsigned mebibytes : {1u, 2u, 4u}) {
    const Source source = {memory.get(), mebibytes << 20};
    run_loads(source);
    run_copies<1>(source);
    run_copies<2>(source);
    run_copies<4>(source);
    run_copies<8>(source);
  }
}

}  // namespace cadenza::micro
