// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

namespace cadenza::kernels {

/// Attention as AttentionArgs describes it. Every size may be 0.
struct Attention {
  AttentionKind kind = AttentionKind::dot;
  std::int64_t steps = 0;                 ///< T
  std::int64_t batch = 0;                 ///< B
  std::int64_t memory = 0;                ///< S
  std::int64_t width = 0;                 ///< A
  std::int64_t value_width = 0;           ///< E
  const float* queries = nullptr;         ///< [T, B, A]
  const float* keys = nullptr;            ///< [S, B, A]
  const float* values = nullptr;          ///< [S, B, E]
  const std::int32_t* lengths = nullptr;  ///< [B]; null: all S
  const float* v = nullptr;               ///< [A], additive only
  float scale = 1.0F;                     ///< dot only
  float* context = nullptr;               ///< [T, B, E]
  float* weights = nullptr;               ///< [T, B, S]
};

void attention(const Attention& attention, cudaStream_t stream);

struct AttentionGradients {
  const float* d_context = nullptr;  ///< [T, B, E]
  float* d_queries = nullptr;        ///< [T, B, A] =
  float* d_keys = nullptr;           ///< [S, B, A] =
  float* d_values = nullptr;         ///< [S, B, E] =
  float* d_v_parts = nullptr;        ///< [T, B, A] =, additive only: their sum over T, B is d_v
  float* d_scores = nullptr;         ///< [T, B, S], scratch
};

/// Every sum has one order: the same bits every time.
void attention_backward(const Attention& attention, const AttentionGradients& gradients,
                        cudaStream_t stream);

}  // namespace cadenza::kernels
