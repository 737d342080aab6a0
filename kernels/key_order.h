// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace cadenza::kernels {

/// What a value is sorted by.
enum class SortKey : std::uint8_t {
  value_plus_one,    ///< ids, -1 first
  limit_minus_value  ///< lengths, the longest first
};

/// Sorts the positions [0, count) of `values` by small keys; equal keys keep their order.
struct KeyOrder {
  const std::int32_t* values = nullptr;  ///< [count]
  std::int64_t count = 0;                ///< below 2^31
  SortKey key = SortKey::value_plus_one;
  std::int32_t limit = 0;             ///< the largest key
  std::int32_t* positions = nullptr;  ///< [count], out: by ascending key
  std::int32_t* starts = nullptr;     ///< [limit + 2], out: how many keys are below k
};

/// Bytes of the workspace of sort_by_key(), at a multiple of 256.
std::size_t sort_by_key_workspace(std::int64_t count, std::int32_t limit);
void sort_by_key(const KeyOrder& order, void* workspace, cudaStream_t stream);

}  // namespace cadenza::kernels
