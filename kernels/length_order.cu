// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/key_order.h"
#include "kernels/length_order.h"

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 256;
constexpr std::size_t kAlignment = 256;

// active[t] = rows of more than t steps: their keys, steps - length, are below steps - t.
// Mapping: threads of all blocks take steps in turn.
// Memory: both arrays once; no shared memory.
// Numerics: integers.
// Limits: below 2^31 steps.
__global__ void active_kernel(const std::int32_t* starts, std::int32_t* active,
                              std::int32_t steps) {
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t t = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; t < steps;
       t += threads) {
    active[t] = starts[steps - t];
  }
}

std::size_t starts_bytes(std::int32_t steps) {
  const std::size_t bytes = (static_cast<std::size_t>(steps) + 2) * sizeof(std::int32_t);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

std::size_t order_by_length_workspace(std::int64_t rows, std::int32_t steps) {
  return starts_bytes(steps) + sort_by_key_workspace(rows, steps);
}

void order_by_length(const LengthOrder& order, void* workspace, cudaStream_t stream) {
  auto* const starts = static_cast<std::int32_t*>(workspace);
  sort_by_key({.values = order.lengths,
               .count = order.rows,
               .key = SortKey::limit_minus_value,
               .limit = order.steps,
               .positions = order.permutation,
               .starts = starts},
              static_cast<std::byte*>(workspace) + starts_bytes(order.steps), stream);
  launch({.kernel = "order_by_length",
          .shape = {order.rows, order.steps},
          .grid = dim3(blocks_for(order.steps, kThreads, kManyBlocks)),
          .block = dim3(kThreads),
          .stream = stream},
         active_kernel, static_cast<const std::int32_t*>(starts), order.active, order.steps);
}

}  // namespace cadenza::kernels
