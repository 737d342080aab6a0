// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace cadenza::kernels {

/// The rows of a batch by descending length, so that the rows still active at a step come first.
struct LengthOrder {
  const std::int32_t* lengths = nullptr;  ///< [rows], each in [0, steps]
  std::int64_t rows = 0;                  ///< B
  std::int32_t steps = 0;                 ///< T
  std::int32_t* permutation = nullptr;    ///< [rows], out; equal lengths keep their order
  std::int32_t* active = nullptr;         ///< [steps], out: rows with lengths above t
};

/// Bytes of the workspace of order_by_length(), at a multiple of 256.
std::size_t order_by_length_workspace(std::int64_t rows, std::int32_t steps);
void order_by_length(const LengthOrder& order, void* workspace, cudaStream_t stream);

}  // namespace cadenza::kernels
