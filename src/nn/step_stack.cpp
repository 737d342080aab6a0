// SPDX-License-Identifier: Apache-2.0
#include "nn/step_stack.h"

#include <utility>

namespace cadenza {

StepStack::StepStack(Backend& backend, CellKind cell, std::vector<RecurrentWeights> layers,
                     std::vector<TensorView> states)
    : backend_(backend), cell_(cell), layers_(std::move(layers)), states_(std::move(states)) {}

StepStack::StepStack(Tape& tape, const Parameters& parameters, const RecurrentStack& stack,
                     std::int64_t rows)
    : backend_(tape.backend()), cell_(stack.cell) {
  for (int layer = 0; layer < stack.layers; ++layer) {
    layers_.push_back(stack.weights(parameters, layer));
    states_.push_back(tape.allocate({info_of(cell_).states, rows, stack.hidden}));
  }
}

void StepStack::start(const Parameters& parameters, const std::string& prefix,
                      const TensorView& x) {
  const TensorView weight = parameters.value(prefix + "weight");
  const TensorView bias = parameters.value(prefix + "bias");
  std::int64_t row = 0;
  for (const TensorView& state : states_) {
    const std::int64_t hidden = state.shape[2];
    for (std::int64_t s = 0; s < state.shape[0]; ++s, row += hidden) {
      backend_.matmul({.a = x,
                       .b = weight.slice(row, hidden),
                       .c = state.at(s),
                       .transpose_b = Transpose::yes,
                       .bias = bias.slice(row, hidden),
                       .order = SumOrder::fixed});
    }
    backend_.activation({.kind = Activation::tanh, .x = state, .y = state});
  }
}

TensorView StepStack::step(TensorView x) {
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    const RecurrentWeights& weights = layers_[layer];
    const RecurrentSpec spec = {
        .cell = cell_, .input = weights.w_ih.shape[1], .hidden = weights.w_hh.shape[1]};
    backend_.recurrent_step(spec, {.x = x, .state = states_[layer], .weights = weights});
    x = states_[layer].at(0);
  }
  return x;
}

}  // namespace cadenza
