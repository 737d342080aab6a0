// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cadenza/infiller.h"
#include "nn/recurrent_stack.h"

namespace cadenza {

/// The layers over the steps before, and those over the steps after.
RecurrentStack past_of(const InfillerConfig& config);
RecurrentStack future_of(const InfillerConfig& config);

/// Pieces on a grid, side by side.
struct GridRows {
  std::int64_t steps = 0;
  /// [steps, B, voices]; -1 where a token is hidden, and beyond the lengths.
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> lengths;  ///< [B], in steps

  std::int64_t rows() const { return static_cast<std::int64_t>(lengths.size()); }
};

/// One token of one piece.
struct GridPlace {
  std::int64_t step = 0;
  std::int64_t row = 0;
  std::int64_t voice = 0;
};

/// One way forward through an Infiller.
class InfillerPass {
 public:
  InfillerPass(Tape& tape, const InfillerConfig& config, Parameters& parameters,
               const DropoutKey& key);

  /// What the rest of each piece says about its tokens at `places`, unnormalised log-probabilities
  /// [places, width]. A place beyond the length of its piece gets some.
  Variable& logits(const GridRows& grid, std::span<const GridPlace> places);

 private:
  enum class Order { forward, backward };
  /// The outputs of a stack that reads the steps in this order, [T, B, H].
  Variable& read(const GridRows& grid, const RecurrentStack& stack, Order order);
  /// Rows of `table` by ids, [ids / per_row, per_row * E].
  Variable& embed(const std::vector<std::int32_t>& ids, std::int64_t per_row, Variable& table);
  DropoutPlace place(double rate, int which) const;

  Tape& tape_;
  const InfillerConfig& config_;
  Parameters& parameters_;
  DropoutKey key_;
  Variable& tokens_;
  Variable& beats_;
};

}  // namespace cadenza
