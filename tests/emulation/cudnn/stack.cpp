// SPDX-License-Identifier: Apache-2.0
#include "emulation/cudnn/stack.h"

#include "emulation/cudnn/layer_pass.h"

namespace cadenza::cudnn_stand_in {

void Stack::forward(const StackMemory& memory, float* record_memory) const {
  const Record record(rnn, rows(), record_memory);
  for (std::int64_t layer = 0; layer < rnn.pseudo_layers(); ++layer) {
    const LayerPass pass(*this, memory, record, layer);
    for (std::int64_t b = 0; b < batch; ++b) pass.forward(b);
    pass.store_states();
  }
  const std::int64_t last = (rnn.layers - 1) * rnn.directions;
  const std::int64_t width = rnn.directions * rnn.hidden;
  for (std::int64_t n = 0; n < rows(); ++n) {
    for (std::int64_t i = 0; i < width; ++i) {
      const float h = counts(n) ? record.h(last + i / rnn.hidden, n)[i % rnn.hidden] : 0.0F;
      numbers.store(memory.y, n * width + i, h);
    }
  }
}

void Stack::backward_data(const StackMemory& memory, float* record_memory) const {
  const Record record(rnn, rows(), record_memory);
  // Of the outputs of a level, then of its inputs.
  std::vector<double> gradient;
  for (std::int64_t i = 0; i < rows() * rnn.directions * rnn.hidden; ++i) {
    gradient.push_back(counts(i / (rnn.directions * rnn.hidden)) ? numbers.load(memory.dy, i)
                                                                 : 0.0);
  }
  for (std::int64_t level = rnn.layers - 1; level >= 0; --level) {
    const std::int64_t first = level * rnn.directions;
    std::vector<double> d_inputs(static_cast<std::size_t>(rows() * rnn.columns(first)), 0.0);
    for (std::int64_t direction = 0; direction < rnn.directions; ++direction) {
      const LayerPass pass(*this, memory, record, first + direction);
      for (std::int64_t b = 0; b < batch; ++b) pass.backward(b, gradient, d_inputs);
    }
    gradient = d_inputs;
    for (double& value : gradient) value = numbers.rounded(value);
  }
  for (std::int64_t i = 0; i < rows() * rnn.input; ++i) {
    if (!counts(i / rnn.input)) continue;
    numbers.store(memory.dx, i, static_cast<float>(gradient[static_cast<std::size_t>(i)]));
  }
}

void Stack::backward_weights(const StackMemory& memory, float* record_memory) const {
  const Record record(rnn, rows(), record_memory);
  for (std::int64_t layer = 0; layer < rnn.pseudo_layers(); ++layer) {
    const LayerPass pass(*this, memory, record, layer);
    for (int number = 0; number < 2 * rnn.gates(); ++number) pass.add_weight_gradients(number);
  }
}

}  // namespace cadenza::cudnn_stand_in
