// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

namespace cadenza::kernels {

/// One step of one layer. Each sum is taken in one order that depends on I and H alone. fp32 and
/// tf32: the chain of fused multiply-adds of the cpu backend, from the biases on over I and then
/// over H, so the same bits. bf16: factors rounded to bf16, sums of 16 products at a time.
struct RecurrentStep {
  CellKind cell = CellKind::lstm;
  std::int64_t batch = 0, input = 0, hidden = 0;
  const float* x = nullptr;           ///< [B, I]; null with ids
  const std::int32_t* ids = nullptr;  ///< [B], -1: a row of zeros; null with x
  const float* w_ih = nullptr;        ///< [G, H, I]
  const float* w_hh = nullptr;        ///< [G, H, H]
  const float* b_ih = nullptr;        ///< [G, H]
  const float* b_hh = nullptr;
  const float* h = nullptr;  ///< [B, H] before the step, not the memory of `state`
  float* state = nullptr;    ///< [S, B, H]: c before the step in, all states out
};

void recurrent_step(const RecurrentStep& args, Precision precision, cudaStream_t stream);

/// The kernels by precision; called by the function above.
void recurrent_step_fp32(const RecurrentStep& args, cudaStream_t stream);
void recurrent_step_bf16(const RecurrentStep& args, cudaStream_t stream);

}  // namespace cadenza::kernels
