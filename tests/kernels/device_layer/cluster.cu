// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/device/launch.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

__device__ int own_element() { return static_cast<int>(blockIdx.x * kPeerThreads + threadIdx.x); }

// Static memory is read from afar, dynamic memory written.
__global__ void exchange_in_cluster_kernel(const int* from, int* to) {
  CADENZA_SHARED(own, int[kPeerThreads]);
  DynamicShared shared;
  int* received = shared.take<int>(kPeerThreads);
  const unsigned thread = threadIdx.x;
  const unsigned next = (cluster_rank() + 1) % cluster_size();
  own[thread] = from[own_element()];
  cluster_sync();
  *peer_shared(&received[thread], next) = own[thread];
  const int of_next = peer_shared(own, next)[thread];
  cluster_arrive();
  const int thousands = 1000 * of_next;  // nothing of others is touched between arrival and wait
  cluster_wait();
  to[own_element()] = received[thread] + thousands;
}

// A ring of blocks: each tells the one before that it has read what came.
__global__ void send_in_cluster_kernel(int rounds, const int* from, float* to) {
  CADENZA_SHARED(vectors, float4[kPeerThreads]);
  CADENZA_SHARED(numbers, float[kPeerThreads]);
  CADENZA_SHARED(words, std::uint32_t[kPeerThreads]);
  CADENZA_SHARED(filled, MBarrier);
  CADENZA_SHARED(emptied, MBarrier);
  constexpr unsigned kBytes =
      kPeerThreads * (sizeof(float4) + sizeof(float) + sizeof(std::uint32_t));
  const unsigned thread = threadIdx.x;
  const unsigned size = cluster_size();
  const unsigned next = (cluster_rank() + 1) % size;
  const unsigned before = (cluster_rank() + size - 1) % size;
  if (thread == 0) {
    mbarrier_init(&filled, 1);
    mbarrier_init(&emptied, kPeerThreads);
  }
  cluster_sync();
  auto value = static_cast<float>(from[own_element()]);
  float4 vector{};
  float number = 0.0F;
  std::uint32_t word = 0;
  for (int round = 0; round < rounds; ++round) {
    const unsigned parity = static_cast<unsigned>(round) % 2;
    if (thread == 0) mbarrier_arrive_expect(&filled, kBytes);
    if (round > 0) mbarrier_wait<Scope::kCluster>(&emptied, 1 - parity);
    const float4 multiples = make_float4(value, 2 * value, 3 * value, 4 * value);
    store_async(&vectors[thread], multiples, &filled, next);
    store_async(&numbers[thread], 5 * value, &filled, next);
    store_async(&words[thread], static_cast<std::uint32_t>(6 * value), &filled, next);
    mbarrier_wait<Scope::kCluster>(&filled, parity);
    const unsigned mirrored = kPeerThreads - 1 - thread;
    vector = vectors[mirrored];
    number = numbers[mirrored];
    word = words[mirrored];
    value = vector.x;
    mbarrier_arrive_peer(&emptied, before);
  }
  float* result = to + 6 * own_element();
  result[0] = vector.x;
  result[1] = vector.y;
  result[2] = vector.z;
  result[3] = vector.w;
  result[4] = number;
  result[5] = static_cast<float>(word);
  cluster_sync();  // the last arrivals have come
}

LaunchConfig config_of(const char* kernel, ClusterShape shape) {
  return {.kernel = kernel,
          .shape = {shape.clusters, shape.blocks, kPeerThreads},
          .grid = dim3(shape.clusters * shape.blocks),
          .block = dim3(kPeerThreads),
          .cluster = shape.blocks};
}

}  // namespace

bool cluster_fits(unsigned blocks) {
  raise_limits(config_of("send_in_cluster", {1, blocks}),
               reinterpret_cast<const void*>(send_in_cluster_kernel));
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = blocks;
  cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(kPeerThreads);
  config.attrs = &cluster;
  config.numAttrs = 1;
  int clusters = 0;
  const cudaError_t status =
      cudaOccupancyMaxActiveClusters(&clusters, send_in_cluster_kernel, &config);
  static_cast<void>(cudaGetLastError());  // a refusal is the answer
  return status == cudaSuccess && clusters > 0;
}

void exchange_in_cluster(ClusterShape shape, const int* from, int* to) {
  LaunchConfig config = config_of("exchange_in_cluster", shape);
  config.shared_bytes = SharedBytes().add<int>(kPeerThreads).bytes();
  launch(config, exchange_in_cluster_kernel, from, to);
}

void send_in_cluster(ClusterShape shape, int rounds, const int* from, float* to) {
  launch(config_of("send_in_cluster", shape), send_in_cluster_kernel, rounds, from, to);
}

}  // namespace cadenza::kernels
