// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cub/cub.cuh>

#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/key_order.h"

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 256;
constexpr std::size_t kAlignment = 256;

// keys[i] = values[i] + 1, positions[i] = i.
// Mapping: threads of all blocks take elements in turn.
// Memory: each array once; no shared memory.
// Numerics: integers.
// Limits: below 2^31 elements.
__global__ void make_keys_kernel(KeyOrder order, std::uint32_t* keys, std::int32_t* positions) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < order.count; i += threads) {
    keys[i] = static_cast<std::uint32_t>(order.values[i] + 1);
    positions[i] = static_cast<std::int32_t>(i);
  }
}

// starts[k] = number of keys below k, for k in [0, limit + 1].
// Mapping: thread i writes the entries between key i - 1 and key i; the one behind the last key
//   those up to the end.
// Memory: sorted keys read twice; no shared memory.
// Numerics: integers.
// Limits: below 2^31 elements.
__global__ void starts_kernel(const std::uint32_t* keys, KeyOrder order) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const auto end = static_cast<std::int64_t>(order.limit) + 1;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i <= order.count; i += threads) {
    const std::int64_t from = i == 0 ? 0 : static_cast<std::int64_t>(keys[i - 1]) + 1;
    const std::int64_t to = i == order.count ? end : static_cast<std::int64_t>(keys[i]);
    for (std::int64_t k = from; k <= to; ++k) order.starts[k] = static_cast<std::int32_t>(i);
  }
}

/// The arrays of a workspace, one behind the other.
struct Workspace {
  // In this type in the question for storage and in the sort: CUB's kernels, and with them the
  // storage that they need, depend on it.
  std::int32_t count;
  std::size_t keys_bytes, sort_bytes;
  int bits;

  Workspace(std::int64_t elements, std::int32_t limit)
      : count(static_cast<std::int32_t>(elements)),
        keys_bytes((static_cast<std::size_t>(count) * 4 + kAlignment - 1) / kAlignment *
                   kAlignment),
        sort_bytes(0),
        bits(std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint32_t>(limit))))) {
    sort(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  }

  /// Positions in the order of their keys; without storage, sets sort_bytes instead.
  void sort(void* storage, const std::uint32_t* keys, std::uint32_t* sorted,
            const std::int32_t* positions, std::int32_t* sorted_positions, cudaStream_t stream) {
    const cudaError_t status = cub::DeviceRadixSort::SortPairs(
        storage, sort_bytes, keys, sorted, positions, sorted_positions, count, 0, bits, stream);
    if (status != cudaSuccess)
      throw_launch_error({.kernel = "sort_by_key", .shape = {count}}, status);
  }
};

}  // namespace

std::size_t sort_by_key_workspace(std::int64_t count, std::int32_t limit) {
  const Workspace workspace(count, limit);
  return 3 * workspace.keys_bytes + workspace.sort_bytes;
}

void sort_by_key(const KeyOrder& order, void* workspace, cudaStream_t stream) {
  Workspace sizes(order.count, order.limit);
  auto* const bytes = static_cast<std::byte*>(workspace);
  auto* const keys = reinterpret_cast<std::uint32_t*>(bytes);
  auto* const sorted = reinterpret_cast<std::uint32_t*>(bytes + sizes.keys_bytes);
  auto* const positions = reinterpret_cast<std::int32_t*>(bytes + 2 * sizes.keys_bytes);
  const auto shape = Shape{order.count};
  launch({.kernel = "sort_by_key",
          .shape = shape,
          .grid = dim3(blocks_for(order.count, kThreads, kManyBlocks)),
          .block = dim3(kThreads),
          .stream = stream},
         make_keys_kernel, order, keys, positions);
  if (order.count > 0) {
    sizes.sort(bytes + 3 * sizes.keys_bytes, keys, sorted, positions, order.positions, stream);
  }
  launch({.kernel = "sort_by_key",
          .shape = shape,
          .grid = dim3(blocks_for(order.count + 1, kThreads, kManyBlocks)),
          .block = dim3(kThreads),
          .stream = stream},
         starts_kernel, static_cast<const std::uint32_t*>(sorted), order);
}

}  // namespace cadenza::kernels
