// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace cadenza::kernels {

/// Sorts the positions [0, count) of `values` by the keys value + 1; equal keys keep their order.
struct KeyOrder {
  const std::int32_t* values = nullptr;  ///< [count] ids, each at least -1
  std::int64_t count = 0;                ///< below 2^31
  std::int32_t limit = 0;                ///< the largest key
  std::int32_t* positions = nullptr;     ///< [count], out: by ascending key
  std::int32_t* starts = nullptr;        ///< [limit + 2], out: how many keys are below k
};

/// Bytes of the workspace of sort_by_key(), at a multiple of 256.
std::size_t sort_by_key_workspace(std::int64_t count, std::int32_t limit);
void sort_by_key(const KeyOrder& order, void* workspace, cudaStream_t stream);

}  // namespace cadenza::kernels
