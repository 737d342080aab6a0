// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace cadenza::kernels {

/// Floats of `scratch` that add_column_sums() needs.
std::size_t column_sums_scratch(std::int64_t rows, std::int64_t columns);

/// y [columns] += sum over the rows of x [rows, columns], in an order that depends on both extents
/// alone.
void add_column_sums(const float* x, std::int64_t rows, std::int64_t columns, float* scratch,
                     float* y, cudaStream_t stream);

}  // namespace cadenza::kernels
