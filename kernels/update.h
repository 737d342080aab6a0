// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "cadenza/backend.h"

namespace cadenza::kernels {

/// Doubles of `scratch` that squared_norm() needs.
std::size_t squared_norm_scratch(std::int64_t count);

/// out [1] = sum of squares of x [count], in double and in an order that depends on `count` alone.
void squared_norm(const float* x, std::int64_t count, double* scratch, double* out,
                  cudaStream_t stream);

/// UpdateArgs on f32 arrays, with the bits of the cpu backend. The factor of clipping comes from
/// args.squared_norm on the device.
void update(const UpdateArgs& args, cudaStream_t stream);

}  // namespace cadenza::kernels
