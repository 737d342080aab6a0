// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

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

}  // namespace cadenza::cpu
