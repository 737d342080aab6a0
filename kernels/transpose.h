// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

namespace cadenza::kernels {

/// to [columns, rows] = from [rows, columns] transposed (+ to).
void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to,
               Accumulate accumulate, cudaStream_t stream);

}  // namespace cadenza::kernels
