// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

namespace cadenza::kernels {

/// c [M, N] = op(a) [M, K] * op(b) [K, N] (+ bias [N]) (+ c), row-major, c in f32. Factors are f32
/// for fp32 and tf32, 16-bit for bf16 and fp16.
struct Product {
  std::int64_t m = 0, n = 0, k = 0;
  const void* a = nullptr;
  const void* b = nullptr;
  float* c = nullptr;
  Transpose transpose_a = Transpose::no;
  Transpose transpose_b = Transpose::no;
  const float* bias = nullptr;
  Accumulate accumulate = Accumulate::overwrite;
  Precision precision = Precision::fp32;
  /// Elements between rows of a, b and c as they are stored; 0: contiguous.
  std::int64_t stride_a = 0, stride_b = 0, stride_c = 0;
};

/// The product with each element summed in one order that depends on K alone. fp32: the chain of
/// fused multiply-adds of the cpu backend (backend/cpu/panel_gemm.h), so the same bits.
void matmul_fixed(const Product& product, cudaStream_t stream);

}  // namespace cadenza::kernels
