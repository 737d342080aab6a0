// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace cadenza::kernels {

/// A loss that is a sum over the elements of each row, as BernoulliLossArgs and SquaredLossArgs
/// describe it. Every size may be 0.
struct ElementwiseLoss {
  std::int64_t rows = 0;           ///< N
  std::int64_t width = 0;          ///< D
  const float* inputs = nullptr;   ///< [N, D]
  const float* targets = nullptr;  ///< [N, D]
  const float* weights = nullptr;  ///< [N]; null: 1
  float* row_loss = nullptr;       ///< [N]
  float* d_inputs = nullptr;       ///< [N, D], may be the inputs; null: the loss alone
  float scale = 1.0F;
};

void bernoulli_loss(const ElementwiseLoss& loss, cudaStream_t stream);
void squared_loss(const ElementwiseLoss& loss, cudaStream_t stream);

}  // namespace cadenza::kernels
