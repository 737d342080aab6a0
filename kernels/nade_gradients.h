// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/nade.h"

namespace cadenza::kernels {

/// The rest of the way back of nade_loss(), which gave d_visible_bias.
struct NadeGradients {
  std::int64_t rows = 0;  ///< N
  NadeWeights weights;
  const float* targets = nullptr;         ///< [N, D]
  const float* hidden_bias = nullptr;     ///< [N, K]
  const float* d_visible_bias = nullptr;  ///< [N, D]
  float* d_hidden_bias = nullptr;         ///< [N, K] =
  float* d_w = nullptr;                   ///< [D, K] +=
  float* d_u = nullptr;                   ///< [D, K] +=
  float* scratch = nullptr;               ///< nade_gradient_scratch()
};

/// Floats of scratch memory for nade_gradients.
std::int64_t nade_gradient_scratch(std::int64_t rows, const NadeWeights& weights);

/// Sums over rows in parts that depend on N alone, the parts in order: the same bits every time.
void nade_gradients(const NadeGradients& gradients, cudaStream_t stream);

}  // namespace cadenza::kernels
