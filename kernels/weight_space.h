// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

// Weights of one layer between arrays of the project and a library's buffer of another order.

namespace cadenza::kernels {

/// `count` elements of an f32 array and their place in the buffer, in elements of its type.
struct WeightPiece {
  float* array = nullptr;
  std::int64_t offset = 0, count = 0;
};

/// Input and recurrent matrix and bias of up to four gates.
struct WeightPieces {
  WeightPiece pieces[16] = {};
  int count = 0;
};

/// buffer = pieces, in the element type of `precision`.
void pack_weights(const WeightPieces& pieces, void* buffer, Precision precision,
                  cudaStream_t stream);
/// pieces += buffer / *scale; `scale` is a power of two on the device, or null: 1.
void add_weights(const WeightPieces& pieces, const void* buffer, const float* scale,
                 Precision precision, cudaStream_t stream);

}  // namespace cadenza::kernels
