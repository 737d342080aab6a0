// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "cadenza/backend.h"

namespace cadenza {

/// The numbers of an update, each rounded once, so that all devices compute with the same.
struct UpdateFactors {
  float decay;         ///< of the parameter, added to the gradient
  float keep;          ///< of the parameter: AdamW's decay
  float rate;          ///< with Adam's first bias correction
  float root;          ///< 1 / sqrt of Adam's second bias correction
  float beta1, beta2;  ///< of what the moments were
  float rest1, rest2;  ///< of what comes to them
  float epsilon;
};

inline UpdateFactors update_factors(const UpdateArgs& args) {
  const bool adam = args.kind == OptimizerKind::adam || args.kind == OptimizerKind::adamw;
  const bool decoupled = args.kind == OptimizerKind::adamw;
  const auto step = static_cast<double>(args.step);
  const double correction1 = adam ? 1.0 - std::pow(args.beta1, step) : 1.0;
  const double correction2 = adam ? 1.0 - std::pow(args.beta2, step) : 1.0;
  const double keep = decoupled ? 1.0 - args.learning_rate * args.weight_decay : 1.0;
  return {.decay = decoupled ? 0.0F : static_cast<float>(args.weight_decay),
          .keep = static_cast<float>(keep),
          .rate = static_cast<float>(args.learning_rate / correction1),
          .root = static_cast<float>(1.0 / std::sqrt(correction2)),
          .beta1 = static_cast<float>(args.beta1),
          .beta2 = static_cast<float>(args.beta2),
          .rest1 = static_cast<float>(1.0 - args.beta1),
          .rest2 = static_cast<float>(1.0 - args.beta2),
          .epsilon = static_cast<float>(args.epsilon)};
}

}  // namespace cadenza
