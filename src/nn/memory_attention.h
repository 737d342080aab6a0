// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nn/ops.h"

namespace cadenza {

/// Attention of a recurrent layer over its own outputs of the steps before.
struct MemoryAttentionParameters {
  Variable* query = nullptr;  ///< [H, H]
  LinearParameters output;    ///< [H, 2H]
};

/// Each step h of y [T, B, H] looks at the outputs of the M steps before it, m: with the weights
/// softmax(query h . m) they make its context, and the result [T, B, H] is output * [context, h].
/// `memory` [M, B, H] holds the outputs of the M steps before the first, the oldest first and zeros
/// where there were none; it is overwritten with the last ones, and no gradient flows through it
/// (truncated back-propagation).
Variable& attend_to_memory(Tape& tape, Variable& y, const TensorView& memory,
                           const Lengths& lengths, const MemoryAttentionParameters& parameters);

}  // namespace cadenza
