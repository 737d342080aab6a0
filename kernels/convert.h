// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace cadenza::kernels {

/// y [count] = x rounded to the nearest bf16, ties to even; NaN stays NaN.
void convert_to_bf16(const float* x, std::uint16_t* y, std::int64_t count, cudaStream_t stream);

}  // namespace cadenza::kernels
