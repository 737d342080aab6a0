// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

// What a step of generation does behind its draw, without the host: a graph of one step can be
// replayed T times. Each row counts its own steps in `positions`, so rows need not wait for others.

namespace cadenza::kernels {

/// Behind sample_tokens() into `tokens` and `log_probability`. Semantics of GenerateArgs: a row
/// that drew `end_token` has tokens -1 with log_probability 0 from the next step on and keeps its
/// window.
struct AdvanceTokens {
  std::int64_t batch = 0;
  std::int64_t window_slots = 0;           ///< W
  std::int32_t end_token = -1;             ///< -1: none
  std::int32_t* tokens = nullptr;          ///< [B] drawn; out: what the next step reads
  const float* log_probability = nullptr;  ///< [B] drawn, or null
  std::int32_t* positions = nullptr;       ///< [B] steps done, 0 before the first
  std::int32_t* steps = nullptr;           ///< [B] DrawRows::steps, advanced by 1
  std::int32_t* finished = nullptr;        ///< [B] 1 = ended; null: rows never end
  std::int32_t* window = nullptr;          ///< [B, W], oldest first, or null
  std::int32_t* all_tokens = nullptr;      ///< [T, B], row `position` is written
  float* all_log_probability = nullptr;    ///< [T, B], or null
};
void advance_tokens(const AdvanceTokens& args, cudaStream_t stream);

/// Behind sample_keys() or sample_nade() into `frames`, which the next step reads.
struct AdvanceFrames {
  std::int64_t batch = 0;
  std::int64_t keys = 0;                   ///< D
  const float* frames = nullptr;           ///< [B, D] drawn
  const float* log_probability = nullptr;  ///< [B] drawn, or null
  std::int32_t* positions = nullptr;       ///< [B] steps done, 0 before the first
  std::int32_t* steps = nullptr;           ///< [B] DrawRows::steps, advanced by 1
  float* all_frames = nullptr;             ///< [T, B, D], step `position` is written
  float* all_log_probability = nullptr;    ///< [T, B], or null
};
void advance_frames(const AdvanceFrames& args, cudaStream_t stream);

}  // namespace cadenza::kernels
