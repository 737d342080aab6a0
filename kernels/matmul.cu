// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"
#include "kernels/matmul_kernels.h"

namespace cadenza::kernels {

void matmul_fixed(const Product& product, cudaStream_t stream) {
  if (product.m == 0 || product.n == 0) return;
  Product p = product;
  if (p.stride_a == 0) p.stride_a = p.transpose_a == Transpose::yes ? p.m : p.k;
  if (p.stride_b == 0) p.stride_b = p.transpose_b == Transpose::yes ? p.k : p.n;
  if (p.stride_c == 0) p.stride_c = p.n;
  if (p.precision == Precision::fp32) {
    multiply_fp32(p, stream);
  } else {
    multiply_mma(p, stream);
  }
}

}  // namespace cadenza::kernels
