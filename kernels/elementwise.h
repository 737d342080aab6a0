// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

// Operations on one element after the other, with the bits of the cpu backend. Arrays may be the
// same; they need no alignment beyond that of their elements, but are faster at multiples of 16
// bytes.

namespace cadenza::kernels {

void fill(float* y, std::int64_t count, float value, cudaStream_t stream);
void fill(std::int32_t* y, std::int64_t count, std::int32_t value, cudaStream_t stream);

/// y [count] += alpha * x [count].
void add(const float* x, float* y, std::int64_t count, float alpha, cudaStream_t stream);

/// Row r of x [rows, columns] is multiplied by factors[r].
void scale_rows(float* x, const float* factors, std::int64_t rows, std::int64_t columns,
                cudaStream_t stream);

/// y [count] = f(x [count]).
void activation(Activation kind, const float* x, float* y, std::int64_t count, cudaStream_t stream);

/// dx [count] = dy * f'(x), written in terms of y = f(x).
struct ActivationGradient {
  Activation kind = Activation::identity;
  const float* y = nullptr;
  const float* dy = nullptr;
  float* dx = nullptr;
  std::int64_t count = 0;
};
void activation_backward(const ActivationGradient& gradient, cudaStream_t stream);

}  // namespace cadenza::kernels
