// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "cadenza/sampling.h"

namespace cadenza::kernels {

/// Where the rows of a draw take their noise from, as DrawRows.
struct NoiseRows {
  std::uint64_t seed = 0;
  const RowSampling* params = nullptr;      ///< [B]
  const std::int64_t* sequences = nullptr;  ///< [B]
  const std::int32_t* steps = nullptr;      ///< [B]
};

/// How many threads draw a row. The result is the same; `automatic` goes by B and V. lanes8 takes V
/// up to 256, lanes16 up to 512, a warp up to 1024, a block any.
enum class RowThreads : std::uint8_t { automatic, lanes8, lanes16, warp, block };

/// One token a row, every bit as sample_row() with fallback 0. Null outputs are not computed.
struct SampleTokens {
  std::int64_t batch = 0;
  std::int32_t vocabulary = 0;             ///< V, 1 to kMaxSampleVocabulary
  std::int64_t row_stride = 0;             ///< elements between rows of logits, >= V
  const float* logits = nullptr;           ///< [B, V]
  const float* bias = nullptr;             ///< [V] or null
  const std::uint32_t* allowed = nullptr;  ///< [B, ceil(V/32)] or null
  const std::int32_t* window = nullptr;    ///< [B, W] or null
  std::int64_t window_slots = 0;           ///< W
  NoiseRows rows;
  std::int32_t* tokens = nullptr;  ///< [B]
  float* log_probability = nullptr;
  float* raw_log_probability = nullptr;
  float* entropy = nullptr;
  std::int32_t* status = nullptr;
  void* workspace = nullptr;  ///< sample_workspace_bytes(), 128-byte aligned; null where that is 0
  RowThreads row_threads = RowThreads::automatic;
};

/// Global memory that rows too wide for shared memory are worked on in.
std::size_t sample_workspace_bytes(std::int64_t batch, std::int32_t vocabulary);
/// ArgumentError if row_threads do not take rows of V.
void sample_tokens(const SampleTokens& args, cudaStream_t stream);

}  // namespace cadenza::kernels
