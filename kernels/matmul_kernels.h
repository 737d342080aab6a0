// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/matmul.h"

// The products of matmul_fixed() by number format, with strides set.

namespace cadenza::kernels {

void multiply_fp32(const Product& product, cudaStream_t stream);
/// tf32, bf16 and fp16 on the tensor cores.
void multiply_mma(const Product& product, cudaStream_t stream);

}  // namespace cadenza::kernels
