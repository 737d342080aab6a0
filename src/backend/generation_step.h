// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "backend/network_step.h"
#include "cadenza/backend.h"

namespace cadenza {

/// One step of generation, composed of the other operations: network and draw.
class GenerationStep {
 public:
  /// Takes the memory that the steps of a batch need; `args` must outlive it.
  GenerationStep(Backend& backend, const GenerateArgs& args, std::int64_t batch);

  /// What one row takes beside its state.
  static std::size_t bytes_per_row(const GenerationNetwork& network);

  /// Where a draw goes: tokens i32 [B] or frames f32 [B, D], and f32 [B] or absent.
  struct Drawn {
    TensorView tokens, frames, log_probability;
  };
  /// Step number `position`, of which only networks that look back take notice: reads `input`,
  /// which may be the memory of what is drawn, and moves the states one step on.
  void run(const TensorView& input, const Drawn& drawn, std::int64_t position = 0);

 private:
  struct Dense {
    const DenseWeights* weights;
    Tensor out;  // [B, out]
  };
  struct Output {
    TensorView logits;       // [B, V]; NADE: visible bias
    TensorView hidden_bias;  // [B, K], NADE only
  };

  TensorView apply(const Dense& dense, const TensorView& x);
  Output compute(const TensorView& input, std::int64_t position);

  Backend& backend_;
  const GenerateArgs& args_;
  const GenerationNetwork& network_;
  NetworkStep recurrent_;
  std::vector<Dense> dense_;
  std::optional<Dense> nade_hidden_;
};

}  // namespace cadenza
