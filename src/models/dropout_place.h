// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/model.h"
#include "nn/ops.h"

namespace cadenza {

// Places of dropout in a model with an encoder and a decoder, of at most 64 layers each.
inline constexpr int kSourcePlace = 0;
inline constexpr int kEncoderPlace = 1;
inline constexpr int kTargetPlace = 65;
inline constexpr int kDecoderPlace = 66;
inline constexpr int kAttentionalPlace = 130;

/// Dropout number `which`, below 256, of a model in one training step. Each has a stream of its own
/// in every step `t` of a decoder that goes step by step.
inline DropoutPlace dropout_place(const DropoutKey& key, double rate, int which,
                                  std::int64_t t = 0) {
  constexpr std::int64_t kPlaces = 256;
  return {.rate = key.training ? rate : 0.0,
          .seed = key.seed,
          .stream = static_cast<std::uint64_t>(t * kPlaces + which),
          .step = key.step};
}

}  // namespace cadenza
