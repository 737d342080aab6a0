// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cadenza/backend.h"

namespace cadenza {

/// Where the rows of a network stand between two steps; as in GenerateArgs.
struct NetworkRows {
  std::span<const TensorView> states;
  TensorView memory = {}, history = {};
};

/// One step of the recurrent part of a network, from its input to the last recurrent layer. Sums
/// are in fixed order, so that rows do not depend on what lies beside them.
class NetworkStep {
 public:
  /// Takes the memory that the steps of a batch need; `network` must outlive it.
  NetworkStep(Backend& backend, const GenerationNetwork& network, std::int64_t batch);

  /// Columns that the first recurrent layer reads.
  static std::int64_t input_width(const GenerationNetwork& network);
  /// What one row takes beside its state.
  static std::int64_t floats_per_row(const GenerationNetwork& network);

  /// Step number `position` reads `input`, tokens or frames, and moves `rows` on, but for the
  /// history. Gives the features [B, H], valid until the next step.
  TensorView run(const TensorView& input, const NetworkRows& rows, std::int64_t position);

 private:
  TensorView read(const TensorView& input, const TensorView& history, std::int64_t position);
  std::vector<float> numbers(const TensorView& history, std::int64_t position) const;
  TensorView attend(const TensorView& h, const TensorView& memory, std::int64_t position);

  Backend& backend_;
  const GenerationNetwork& network_;
  Tensor embedded_;  // [B, E]
  Tensor numbers_;   // [B, lookback + position_bits], where the network looks back on tokens
  Tensor joined_;    // [B, input_width], there
  Tensor query_;     // [1, B, H], with attention
  Tensor weights_;   // [1, B, M]
  Tensor context_;   // [1, B, H]
  Tensor both_;      // [B, 2H]
  Tensor attended_;  // [B, H]
};

}  // namespace cadenza
