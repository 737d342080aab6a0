// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/cell.h"

// What stands in the planes (recurrent_cell.h) before the recurrent products: biases, and columns
// of w_ih where the input is ids. "Start" of a plane: b_hh of its recurrent sum, plus b_ih where
// its gate joins both, or b_ih alone for a separate input sum.

namespace cadenza::kernels {

struct StartSums {
  CellKind cell = CellKind::lstm;
  std::int64_t rows = 0, hidden = 0;
  const float* b_ih = nullptr;  ///< [G, H]
  const float* b_hh = nullptr;
  float* sums = nullptr;  ///< [rows, planes, H] out
};
/// sums = start.
void start_sums(const StartSums& args, cudaStream_t stream);
/// The same in the planes of recurrent sums apart from their input sums alone.
void start_separate_sums(const StartSums& args, cudaStream_t stream);

/// Column `id` of w_ih: gate row r at w_ih[r * row_stride + id * id_stride].
struct InputColumns {
  const std::int32_t* ids = nullptr;  ///< [rows], -1: none
  const float* w_ih = nullptr;
  std::int64_t row_stride = 0, id_stride = 0;
};
/// sums = start + the columns of ids.
void gather_inputs(const StartSums& args, const InputColumns& columns, cudaStream_t stream);

}  // namespace cadenza::kernels
