// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/exact_math.h"
#include "core/draw.h"

// A lower bound of a token's noise for a tenth of its price. Whatever scores below the best bound
// of a row, less the gap between bound and noise, cannot win: only the few others need the
// logarithms. Every word is checked against the noise itself by tests/kernels/exact_math_check.cu.

namespace cadenza::kernels {

struct NoiseFloor {
  /// Noise is in [-kStep * n, -kStep * n + kGap], n = noise_steps() of its word.
  static constexpr float kStep = 0x1.62e43p-1F * 0x1p-24F;  ///< ln 2 / 2^24
  static constexpr float kGap = 0.83F;
  static constexpr float kShrink = -0.996F * 0x1p-32F;
  static constexpr std::uint32_t kZero = 0x5F800000U - 1'476'500U;
};

/// For words of at least draw::kTailWords. With v the word's share of 1: the noise is
/// -log(-log1p(-v)), and -log1p(-v) <= v / sqrt(1 - v). The bits of a float, as an integer, are its
/// binary logarithm but for 0.09, so log v - log(1 - v) / 2 is a difference of integers. `rest`
/// stays above 0.004, as no word's noise is below -2.82; the offset of kZero pays for both.
CADENZA_HOST_DEVICE inline float noise_steps(std::uint32_t word) {
  const auto share = static_cast<float>(word);
  const float rest = exact_fma(share, NoiseFloor::kShrink, 1.0F);
  const std::uint32_t steps = 2 * float_bits(share) - float_bits(rest) - NoiseFloor::kZero;
  return static_cast<float>(static_cast<std::int32_t>(steps));
}

/// At most the score x + noise of a token, as that is rounded.
CADENZA_HOST_DEVICE inline float score_floor(float x, std::uint32_t word) {
  return exact_fma(noise_steps(word), -NoiseFloor::kStep, x);
}

/// A token whose score_floor() is below this loses to the one whose score_floor() is `best`.
CADENZA_HOST_DEVICE inline float losing_floor(float best) {
  const float size = best < 0.0F ? -best : best;
  return exact_add(exact_add(best, -(NoiseFloor::kGap + 0.01F)), -exact_mul(size, 0x1p-22F));
}

}  // namespace cadenza::kernels
