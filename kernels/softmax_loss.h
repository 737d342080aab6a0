// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace cadenza::kernels {

/// Cross-entropy of rows of logits, as SoftmaxLossArgs describes it. Every size may be 0.
struct SoftmaxLoss {
  std::int64_t rows = 0;                  ///< N
  std::int64_t vocabulary = 0;            ///< V
  const float* logits = nullptr;          ///< [N, V]
  const std::int32_t* targets = nullptr;  ///< [N], -1: no loss and no gradient
  const float* weights = nullptr;         ///< [N]; null: 1
  float* row_loss = nullptr;              ///< [N]
  float* d_logits = nullptr;              ///< [N, V], may be the logits; null: the loss alone
  float scale = 1.0F;
};

/// Each row is read once and its gradient written once where V <= 8192, read three times beyond.
void softmax_loss(const SoftmaxLoss& loss, cudaStream_t stream);

}  // namespace cadenza::kernels
