// SPDX-License-Identifier: Apache-2.0
// 4: how many clusters with 200 KiB of shared memory a block run together: what the runtime
// promises, and what happens when two more are launched.
#include <algorithm>

#include "bench/micro/benchmarks.h"
#include "bench/micro/ptx.h"

namespace cadenza::micro {
namespace {

struct Stay {
  long long begin, end;
};

/// Each block stays for 100 microseconds, so that all that can be resident together are.
__global__ void __launch_bounds__(256) stay_kernel(Stay* stays) {
  if (threadIdx.x != 0) return;
  Stay stay;
  stay.begin = clock_nanoseconds();
  do {
    stay.end = clock_nanoseconds();
  } while (stay.end - stay.begin < 100'000);
  stays[blockIdx.x] = stay;
}

/// Clusters that began before the first block ended.
int count_together(const std::vector<Stay>& stays, unsigned cluster) {
  long long first_end = stays.front().end;
  for (const Stay& stay : stays) first_end = std::min(first_end, stay.end);
  int together = 0;
  for (std::size_t block = 0; block < stays.size(); block += cluster) {
    if (stays[block].begin < first_end) ++together;
  }
  return together;
}

const char* expected_clusters(unsigned cluster) {
  if (cluster == 2) return "66";
  if (cluster == 4) return "30-33";
  return cluster == 8 ? "15-16" : "7-8";
}

}  // namespace

void bench_clusters() {
  for (const unsigned cluster : {2u, 4u, 8u, 16u}) {
    kernels::LaunchConfig config = {.kernel = "clusters",
                                    .shape = {cluster},
                                    .grid = dim3(cluster),
                                    .block = dim3(256),
                                    .shared_bytes = 200 * 1024,
                                    .cluster = cluster};
    Row promised("clusters");
    promised.add("what", "promised").add("cluster", cluster);
    attempt(promised, [&] {
      const int clusters = resident_clusters(reinterpret_cast<const void*>(stay_kernel), config);
      promised.value(clusters, "clusters", expected_clusters(cluster));
    });
    Row seen("clusters");
    seen.add("what", "seen").add("cluster", cluster);
    attempt(seen, [&] {
      config.grid = dim3((static_cast<unsigned>(sm_count()) / cluster + 2) * cluster);
      const DeviceArray<Stay> stays(config.grid.x);
      kernels::launch(config, stay_kernel, stays.get());
      CADENZA_CUDA_CHECK(cudaDeviceSynchronize());
      seen.value(count_together(stays.download(), cluster), "clusters", expected_clusters(cluster));
    });
  }
}

}  // namespace cadenza::micro
