// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace cadenza::kernels {

void fill(float* y, std::int64_t count, float value, cudaStream_t stream);
void fill(std::int32_t* y, std::int64_t count, std::int32_t value, cudaStream_t stream);

}  // namespace cadenza::kernels
