// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

// Sequences and states between f32 and the element type of a precision (f32 for fp32 and tf32,
// else 16 bits), row by row. Rows that the lengths exclude are not read.

namespace cadenza::kernels {

/// Which rows [n, b] of n steps or states count.
enum class RowRule : std::uint8_t {
  within_length,  ///< n < lengths[b]
  some_length,    ///< 0 < lengths[b]
};

/// Rows [N, B] of `width` elements.
struct Rows {
  std::int64_t count = 0, batch = 0, width = 0;
  const std::int32_t* lengths = nullptr;  ///< [B], or null: all rows count
  RowRule rule = RowRule::within_length;
};

/// to = from * *scale; zero where rows do not count. `scale` is on the device, or null: 1.
void copy_rows_in(const Rows& rows, const float* from, const float* scale, void* to,
                  Precision precision, cudaStream_t stream);
/// to = from / *scale; otherwise where rows do not count (null: zero). `to` may be `from` in f32,
/// and `otherwise`.
struct RowsOut {
  const void* from = nullptr;
  const float* scale = nullptr;
  const float* otherwise = nullptr;
  float* to = nullptr;
};
void copy_rows_out(const Rows& rows, const RowsOut& args, Precision precision, cudaStream_t stream);
/// to = rows of zeros with a one at ids [N, B]; id -1: none.
void one_hot_rows(const Rows& rows, const std::int32_t* ids, void* to, Precision precision,
                  cudaStream_t stream);

/// An f32 array of rows; null: none.
struct RowArray {
  Rows rows;
  const float* data = nullptr;
};
/// *scale = the power of two that brings the largest magnitude of what counts in two arrays into
/// [1/2, 1); 1 if all are zero.
void find_scale(const RowArray& first, const RowArray& second, float* scale, cudaStream_t stream);

}  // namespace cadenza::kernels
