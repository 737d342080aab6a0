// SPDX-License-Identifier: Apache-2.0
// Launches: what the device would refuse is refused here, in the same terms.
#include "emulation/launch.h"

#include <algorithm>
#include <map>
#include <string>

#include "emulation/config.h"
#include "grid.h"
#include "occupancy.h"
#include "report.h"
#include "stream.h"

namespace cadenza::emulation {
namespace {

struct KernelLimits {
  std::size_t shared_bytes = 0;  ///< raised limit
  bool large_clusters = false;
};

std::map<const void*, KernelLimits>& kernel_limits() {
  static std::map<const void*, KernelLimits> all;
  return all;
}

KernelLimits limits_of(const void* kernel) {
  const auto found = kernel_limits().find(kernel);
  return found == kernel_limits().end() ? KernelLimits() : found->second;
}

constexpr unsigned kMaxGridYZ = 65535;
constexpr std::uint64_t kMaxGridX = 0x7FFFFFFF;

struct Refusal {
  cudaError_t error = cudaSuccess;
  std::string why;
};

std::uint64_t count(dim3 extents) { return std::uint64_t{extents.x} * extents.y * extents.z; }

Refusal check_extents(const GridShape& shape) {
  const std::uint64_t threads = count(shape.block);
  if (threads == 0 || threads > config().max_threads || shape.block.z > 64) {
    return {cudaErrorInvalidConfiguration, std::to_string(threads) + " threads in a block"};
  }
  if (count(shape.grid) == 0 || shape.grid.x > kMaxGridX || shape.grid.y > kMaxGridYZ ||
      shape.grid.z > kMaxGridYZ) {
    return {cudaErrorInvalidConfiguration, "a grid of (" + std::to_string(shape.grid.x) + ", " +
                                               std::to_string(shape.grid.y) + ", " +
                                               std::to_string(shape.grid.z) + ") blocks"};
  }
  return {};
}

Refusal check_cluster(const GridShape& shape, const KernelLimits& limits) {
  const std::uint64_t blocks = count(shape.cluster);
  const unsigned most =
      limits.large_clusters ? config().max_cluster : config().max_portable_cluster;
  if (blocks == 0 || blocks > most) {
    return {cudaErrorInvalidClusterSize, "a cluster of " + std::to_string(blocks) + " blocks"};
  }
  if (shape.grid.x % shape.cluster.x != 0 || shape.grid.y % shape.cluster.y != 0 ||
      shape.grid.z % shape.cluster.z != 0) {
    return {cudaErrorInvalidClusterSize, "a grid that is no multiple of its cluster"};
  }
  return {};
}

Refusal check_resources(const GridShape& shape, const KernelLimits& limits) {
  if (shape.shared_bytes > std::max(config().default_shared_bytes, limits.shared_bytes)) {
    return {cudaErrorInvalidConfiguration, std::to_string(shape.shared_bytes) +
                                               " bytes of dynamic shared memory, more than the "
                                               "kernel's limit"};
  }
  const std::uint64_t resident =
      std::uint64_t{config().processors} *
      blocks_per_processor(static_cast<unsigned>(count(shape.block)), shape.shared_bytes);
  if (shape.cooperative && count(shape.grid) > resident) {
    return {cudaErrorCooperativeLaunchTooLarge, std::to_string(count(shape.grid)) +
                                                    " blocks that must be resident together, " +
                                                    std::to_string(resident) + " fit"};
  }
  return {};
}

Refusal check_launch(const GridShape& shape, const void* kernel) {
  const KernelLimits limits = limits_of(kernel);
  for (const Refusal& refusal : {check_extents(shape), check_cluster(shape, limits)}) {
    if (refusal.error != cudaSuccess) return refusal;
  }
  return check_resources(shape, limits);
}

GridShape shape_of(const cudaLaunchConfig_t& launch) {
  GridShape shape = {.grid = launch.gridDim,
                     .block = launch.blockDim,
                     .cluster = {},
                     .shared_bytes = launch.dynamicSmemBytes};
  for (unsigned i = 0; i < launch.numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = launch.attrs[i];
    if (attribute.id == cudaLaunchAttributeClusterDimension) {
      const auto& cluster = attribute.val.clusterDim;
      shape.cluster = dim3(cluster.x, cluster.y, cluster.z);
    } else if (attribute.id == cudaLaunchAttributeCooperative) {
      shape.cooperative = attribute.val.cooperative != 0;
    }
  }
  return shape;
}

}  // namespace

cudaError_t enqueue_launch(const cudaLaunchConfig_t& launch, const void* kernel, ThreadBody body) {
  const GridShape shape = shape_of(launch);
  const Refusal refusal = check_launch(shape, kernel);
  if (refusal.error != cudaSuccess) {
    set_report("launch refused: " + refusal.why);
    return remember(refusal.error);
  }
  return enqueue(launch.stream,
                 {.kind = OperationKind::kKernel,
                  .kernel = kernel,
                  .run = [shape, body = std::move(body)] { return run_grid(shape, body); }});
}

unsigned blocks_per_processor(unsigned threads, std::size_t shared_bytes) {
  constexpr unsigned kMaxBlocks = 32;
  constexpr std::size_t kReservedBytes = 1024;
  const unsigned in_whole_warps = (threads + 31) / 32 * 32;
  if (in_whole_warps == 0) return 0;
  const unsigned by_threads = config().max_threads_per_processor / in_whole_warps;
  const auto by_memory =
      static_cast<unsigned>(config().shared_bytes_per_processor / (shared_bytes + kReservedBytes));
  return std::min({by_threads, by_memory, kMaxBlocks});
}

}  // namespace cadenza::emulation

using cadenza::emulation::config;
using cadenza::emulation::remember;

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  auto& limits = cadenza::emulation::kernel_limits()[kernel];
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize) {
    if (value < 0 || static_cast<std::size_t>(value) > config().max_shared_bytes) {
      return remember(cudaErrorInvalidValue);
    }
    limits.shared_bytes = static_cast<std::size_t>(value);
  } else if (attribute == cudaFuncAttributeNonPortableClusterSizeAllowed) {
    limits.large_clusters = value != 0;
  }
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  *attributes = {};
  if (!config().has_code) return remember(cudaErrorNoKernelImageForDevice);
  attributes->maxThreadsPerBlock = static_cast<int>(config().max_threads);
  attributes->maxDynamicSharedSizeBytes = static_cast<int>(
      std::max(config().default_shared_bytes, cadenza::emulation::limits_of(kernel).shared_bytes));
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int threads,
                                                          std::size_t shared_bytes) {
  *blocks = static_cast<int>(
      cadenza::emulation::blocks_per_processor(static_cast<unsigned>(threads), shared_bytes));
  return cudaSuccess;
}

// As if clusters could use any processors; on the device they stay within a group of them.
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, const void* kernel,
                                           const cudaLaunchConfig_t* launch) {
  *clusters = 0;
  const auto shape = cadenza::emulation::shape_of(*launch);
  const auto refusal =
      cadenza::emulation::check_cluster(shape, cadenza::emulation::limits_of(kernel));
  if (refusal.error != cudaSuccess) return remember(refusal.error);
  const unsigned resident =
      config().processors *
      cadenza::emulation::blocks_per_processor(
          static_cast<unsigned>(cadenza::emulation::count(shape.block)), shape.shared_bytes);
  *clusters = static_cast<int>(resident / cadenza::emulation::count(shape.cluster));
  return cudaSuccess;
}
