// SPDX-License-Identifier: Apache-2.0
#include "cases.h"
#include "kernels/device/kernel.h"

namespace cadenza::test {
namespace {

namespace cg = cooperative_groups;

__global__ void right_peer_access(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const cg::cluster_group cluster = cg::this_cluster();
  const unsigned t = threadIdx.x;
  const unsigned rank = cluster.block_rank();
  s[t] = x[t] + static_cast<float>(rank);
  cluster.sync();
  y[rank * kThreads + t] = cluster.map_shared_rank(&s[0], static_cast<int>(1 - rank))[t];
  cluster.sync();
}

__global__ void block_ends_while_peer_reads(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const cg::cluster_group cluster = cg::this_cluster();
  const unsigned t = threadIdx.x;
  const unsigned rank = cluster.block_rank();
  s[t] = x[t] + static_cast<float>(rank);
  cluster.sync();
  y[rank * kThreads + t] = cluster.map_shared_rank(&s[0], static_cast<int>(1 - rank))[t];
}

__global__ void block_barrier_for_cluster(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const cg::cluster_group cluster = cg::this_cluster();
  const unsigned t = threadIdx.x;
  const unsigned rank = cluster.block_rank();
  s[t] = x[t] + static_cast<float>(rank);
  __syncthreads();
  y[rank * kThreads + t] = cluster.map_shared_rank(&s[0], static_cast<int>(1 - rank))[t];
  cluster.sync();
}

__global__ void rank_outside_cluster(float* y, const float* x) {
  CADENZA_SHARED(s, float[kThreads]);
  const cg::cluster_group cluster = cg::this_cluster();
  s[threadIdx.x] = x[threadIdx.x];
  cluster.sync();
  y[threadIdx.x] = cluster.map_shared_rank(&s[0], 2)[threadIdx.x];
  cluster.sync();
}

__global__ void maps_private_variable(float* y, const float* x) {
  const cg::cluster_group cluster = cg::this_cluster();
  float own = x[0];
  y[threadIdx.x] = cluster.map_shared_rank(&own, 1)[0];
  cluster.sync();
}

__global__ void cluster_wait_without_arrival(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x];
  cg::this_cluster().barrier_wait();
}

__global__ void ends_between_arrival_and_wait(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x];
  cg::this_cluster().barrier_arrive();
}

__global__ void right_grid_barrier(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  const unsigned block = blockIdx.x;
  y[2 * kThreads + block * kThreads + t] = x[t] + static_cast<float>(block);
  cg::this_grid().sync();
  y[block * kThreads + t] = y[2 * kThreads + (1 - block) * kThreads + t];
}

__global__ void no_grid_barrier(float* y, const float* x) {
  const unsigned t = threadIdx.x;
  const unsigned block = blockIdx.x;
  y[2 * kThreads + block * kThreads + t] = x[t] + static_cast<float>(block);
  y[block * kThreads + t] = y[2 * kThreads + (1 - block) * kThreads + t];
}

__global__ void block_exits_before_grid_barrier(float* y, const float* x) {
  y[blockIdx.x * kThreads + threadIdx.x] = x[threadIdx.x];
  if (blockIdx.x == 1) return;
  cg::this_grid().sync();
}

__global__ void grid_barrier_in_plain_launch(float* y, const float* x) {
  y[blockIdx.x * kThreads + threadIdx.x] = x[threadIdx.x];
  cg::this_grid().sync();
}

}  // namespace

std::vector<Case> cluster_cases() {
  const char* const race = "data race";
  const auto of_cluster = [](const char* name, void (*kernel)(float*, const float*),
                             const char* report) {
    return Case{.name = name,
                .kernel = kernel,
                .blocks = 2,
                .cluster = 2,
                .plain = report,
                .asan = report,
                .tsan = report};
  };
  return {
      {.name = "RightPeerAccess",
       .kernel = right_peer_access,
       .blocks = 2,
       .cluster = 2,
       .expected = other_block,
       .outputs = 2 * kThreads,
       .right = true},
      of_cluster("BlockEndsWhilePeerReads", block_ends_while_peer_reads,
                 "the block of that rank has ended"),
      {.name = "BlockBarrierForCluster",
       .kernel = block_barrier_for_cluster,
       .blocks = 2,
       .cluster = 2,
       .expected = other_block,
       .outputs = 2 * kThreads,
       .plain = "value",
       .asan = "value",
       .tsan = race},
      of_cluster("RankOutsideCluster", rank_outside_cluster, "rank 2 outside the cluster"),
      of_cluster("MapsPrivateVariable", maps_private_variable, "not an address in this block's"),
      of_cluster("ClusterWaitWithoutArrival", cluster_wait_without_arrival,
                 "wait without an arrival"),
      of_cluster("EndsBetweenArrivalAndWait", ends_between_arrival_and_wait,
                 "thread ends between arrival and wait"),
      {.name = "RightGridBarrier",
       .kernel = right_grid_barrier,
       .blocks = 2,
       .cooperative = true,
       .expected = other_block,
       .outputs = 2 * kThreads,
       .right = true},
      {.name = "NoGridBarrier",
       .kernel = no_grid_barrier,
       .blocks = 2,
       .cooperative = true,
       .expected = other_block,
       .outputs = 2 * kThreads,
       .plain = "value",
       .asan = "value",
       .tsan = race},
      {.name = "BlockExitsBeforeGridBarrier",
       .kernel = block_exits_before_grid_barrier,
       .blocks = 2,
       .cooperative = true,
       .plain = "threads of the grid have exited",
       .asan = "threads of the grid have exited",
       .tsan = "threads of the grid have exited"},
      {.name = "GridBarrierInPlainLaunch",
       .kernel = grid_barrier_in_plain_launch,
       .blocks = 2,
       .plain = "launch that is not cooperative",
       .asan = "launch that is not cooperative",
       .tsan = "launch that is not cooperative"},
  };
}

}  // namespace cadenza::test
