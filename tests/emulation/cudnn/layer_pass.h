// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "backend/reference/cell_functions.h"
#include "emulation/cudnn/stack.h"

namespace cadenza::cudnn_stand_in {

/// One layer in one direction of a stack, in one pass.
class LayerPass {
 public:
  LayerPass(const Stack& stack, const StackMemory& memory, const Record& record,
            std::int64_t layer);

  /// All steps of a row of the batch.
  void forward(std::int64_t row) const;
  /// d_outputs [T, B, D * H]; adds to d_inputs [T, B, columns].
  void backward(std::int64_t row, const std::vector<double>& d_outputs,
                std::vector<double>& d_inputs) const;
  /// Of one linear layer, from what backward left in the record.
  void add_weight_gradients(int number) const;
  void store_states() const;

 private:
  using Factors = std::vector<double>;

  /// Place of step t of a row in [T, B]; time runs backwards in the second direction.
  std::int64_t at(std::int64_t row, std::int64_t t) const;
  std::int64_t columns(int number) const { return number < gates_ ? columns_ : hidden_; }
  /// An input of the layer at place n.
  double input(std::int64_t n, std::int64_t i) const;
  /// A state before step t, or before the first.
  double h_before(std::int64_t row, std::int64_t t, std::int64_t j) const;
  double c_before(std::int64_t row, std::int64_t t, std::int64_t j) const;
  double given(const void* states, std::int64_t row, std::int64_t j) const;
  std::int64_t state_place(std::int64_t row, std::int64_t j) const;
  void sum(std::int64_t row, std::int64_t t) const;
  reference::GateSums unit_sums(std::int64_t n, std::int64_t j) const;
  void store_state_gradients(std::int64_t row, const Factors& d_h, const Factors& d_c) const;

  const Stack& stack_;
  const StackMemory& memory_;
  const Record& record_;
  std::int64_t layer_, hidden_, columns_, directions_;
  int gates_;
  std::vector<Factors> matrices_, biases_;  // by linear layer; empty where there are no weights
};

}  // namespace cadenza::cudnn_stand_in
