// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/sample.h"

// The NADE head, as NadeLossArgs and SampleNadeArgs describe it. Every size may be 0.

namespace cadenza::kernels {

struct NadeWeights {
  std::int64_t keys = 0;     ///< D
  std::int64_t units = 0;    ///< K
  const float* w = nullptr;  ///< [D, K]
  const float* u = nullptr;  ///< [D, K]
};

/// Floats of scratch memory for the rows of nade_loss and sample_nade.
std::int64_t nade_row_scratch(std::int64_t rows, std::int64_t units);

struct NadeLoss {
  std::int64_t rows = 0;  ///< N
  NadeWeights weights;
  const float* targets = nullptr;       ///< [N, D], each 0 or 1
  const float* visible_bias = nullptr;  ///< [N, D]
  const float* hidden_bias = nullptr;   ///< [N, K]
  const float* row_weights = nullptr;   ///< [N]; null: 1
  float* row_loss = nullptr;            ///< [N]
  float* d_visible_bias = nullptr;      ///< [N, D] =; null: the loss alone
  float scale = 1.0F;
  float* scratch = nullptr;  ///< nade_row_scratch()
};

/// Row losses and the gradients of the visible bias, which are those of the logits.
void nade_loss(const NadeLoss& loss, cudaStream_t stream);

struct NadeDraw {
  std::int64_t rows = 0;  ///< B
  NadeWeights weights;
  const float* visible_bias = nullptr;  ///< [B, D]
  const float* hidden_bias = nullptr;   ///< [B, K]
  NoiseRows noise;
  float* keys = nullptr;             ///< [B, D], out
  float* log_probability = nullptr;  ///< [B], out; may be null
  float* scratch = nullptr;          ///< nade_row_scratch()
};

/// Keys drawn one by one. Each sum has the order of the cpu backend (backend/cpu/nade.cpp), so the
/// keys are the same.
void sample_nade(const NadeDraw& draw, cudaStream_t stream);

}  // namespace cadenza::kernels
