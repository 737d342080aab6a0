// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "backend/cpu/scratch.h"
#include "cadenza/backend.h"

// What the vectorised rows of the NADE head work on.

namespace cadenza::cpu {

/// Weights with K padded by zeros to whole vectors of any target.
struct NadeWeights {
  static constexpr std::int64_t kPad = 16;

  std::int64_t keys = 0;     ///< D
  std::int64_t units = 0;    ///< K
  const float* w = nullptr;  ///< [D, padded()]
  const float* u = nullptr;

  std::int64_t padded() const { return (units + kPad - 1) / kPad * kPad; }
};

/// The rows of one thread, and what is its own.
struct NadeRange {
  std::int64_t begin = 0, end = 0;
  float* scratch = nullptr;
  float* d_w = nullptr;  ///< [D, padded()], added to; null without gradients
  float* d_u = nullptr;
};

/// w and u [D, K], padded.
NadeWeights padded_weights(const Scratch::Frame& frame, const TensorView& w, const TensorView& u);
/// Floats of NadeRange::scratch.
std::int64_t scratch_of_row(const NadeWeights& weights);
/// sample_nade() of the rows of `range`, on the calling thread.
void sample_nade_rows(const SampleNadeArgs& args, const NadeWeights& weights,
                      const NadeRange& range);

}  // namespace cadenza::cpu
