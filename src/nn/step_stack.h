// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cadenza/parameters.h"
#include "cadenza/tape.h"
#include "nn/recurrent_stack.h"

namespace cadenza {

/// Recurrent layers on top of each other that go step by step without a way back. Sums are in fixed
/// order, so that rows do not depend on what lies beside them.
class StepStack {
 public:
  /// Layers from `states`, [S, B, H] each, which step() moves on in place.
  StepStack(Backend& backend, CellKind cell, std::vector<RecurrentWeights> layers,
            std::vector<TensorView> states);
  /// The layers of `stack` for `rows` rows, their states in the arena of `tape` and not yet set.
  StepStack(Tape& tape, const Parameters& parameters, const RecurrentStack& stack,
            std::int64_t rows);

  /// Sets the states to first_states() of x [B, in].
  void start(const Parameters& parameters, const std::string& prefix, const TensorView& x);
  /// x [B, I], or ids i32 [B] -> [B, H], valid until the next step.
  TensorView step(TensorView x);

 private:
  Backend& backend_;
  CellKind cell_;
  std::vector<RecurrentWeights> layers_;
  std::vector<TensorView> states_;
};

}  // namespace cadenza
