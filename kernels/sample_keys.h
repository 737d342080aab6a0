// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/sample.h"

namespace cadenza::kernels {

/// One frame a row, each key by sample_key().
struct SampleKeys {
  std::int64_t batch = 0;
  std::int64_t keys = 0;          ///< D, below 2^26
  const float* logits = nullptr;  ///< [B, D]
  NoiseRows rows;
  float* frames = nullptr;           ///< [B, D], out: 0 and 1
  float* log_probability = nullptr;  ///< [B], out or null: at temperature 1, summed in double
};
void sample_keys(const SampleKeys& args, cudaStream_t stream);

}  // namespace cadenza::kernels
