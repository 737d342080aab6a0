// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

// The sums that attention is made of, in both directions.

namespace cadenza::kernels {

/// out(t, b, s) = scale * sum_a x(t, b, a) y(s, b, a), or sum_a v(a) tanh(x(t, b, a) + y(s, b, a));
/// only for s below the length.
struct AttentionPairs {
  std::int64_t steps, batch, memory, width;  // T, B, S, A
  const float* x;                            // [T, B, A]
  const float* y;                            // [S, B, A]
  const float* v;                            // [A], additive
  const std::int32_t* lengths;
  float scale;  // dot
  float* out;   // [T, B, S]
};

void attention_pairs(AttentionKind kind, const AttentionPairs& pairs, cudaStream_t stream);

/// Whether the terms of a sum run over the memory, and its rows over the queries, or the reverse.
enum class AttentionOver : std::uint8_t { memory, queries };

/// out(i, b, c) = scale * sum_j x(i, j) other(j, b, c), or the gradient of additive scores,
/// v(c) * sum_j x(i, j) (1 - tanh^2(own(i, b, c) + other(j, b, c))). Of (i, j), one is a query t
/// and one a memory step s below the length, and x(i, j) is x(t, b, s); rows beyond the length are
/// zero.
struct AttentionSums {
  std::int64_t steps, batch, memory, columns;  // T, B, S
  const float* x;                              // [T, B, S]
  const std::int32_t* lengths;
  const float* other;
  const float* own;  // additive
  const float* v;    // additive
  float scale;       // dot
  float* out;
  float* tanh_sums;  // additive, may be null: sum_j x(i, j) tanh(..)
};

void attention_sums(AttentionKind kind, AttentionOver over, const AttentionSums& sums,
                    cudaStream_t stream);

}  // namespace cadenza::kernels
