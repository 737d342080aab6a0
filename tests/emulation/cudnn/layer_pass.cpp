// SPDX-License-Identifier: Apache-2.0
#include "emulation/cudnn/layer_pass.h"

namespace cadenza::cudnn_stand_in {
namespace {

using reference::CellGradient;
using reference::GateSums;
using reference::UnitState;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

LayerPass::LayerPass(const Stack& stack, const StackMemory& memory, const Record& record,
                     std::int64_t layer)
    : stack_(stack),
      memory_(memory),
      record_(record),
      layer_(layer),
      hidden_(stack.rnn.hidden),
      columns_(stack.rnn.columns(layer)),
      directions_(stack.rnn.directions),
      gates_(stack.rnn.gates()) {
  if (memory.weights == nullptr) return;
  for (int number = 0; number < 2 * gates_; ++number) {
    const WeightPlace place = place_of(stack.rnn, layer, number);
    Factors& matrix = matrices_.emplace_back();
    for (std::int64_t i = 0; i < hidden_ * columns(number); ++i) {
      const float value = stack.numbers.load(memory.weights, place.matrix + i);
      matrix.push_back(stack.numbers.factor(value));
    }
    Factors& bias = biases_.emplace_back();
    for (std::int64_t j = 0; j < hidden_; ++j) {
      bias.push_back(stack.numbers.load(memory.weights, place.bias + j));
    }
  }
}

std::int64_t LayerPass::at(std::int64_t row, std::int64_t t) const {
  const bool reverse = layer_ % directions_ == 1;
  return (reverse ? stack_.lengths[index(row)] - 1 - t : t) * stack_.batch + row;
}

double LayerPass::input(std::int64_t n, std::int64_t i) const {
  const std::int64_t below = layer_ / directions_ - 1;
  if (below < 0) return stack_.numbers.load(memory_.x, n * columns_ + i);
  return record_.h(below * directions_ + i / hidden_, n)[i % hidden_];
}

std::int64_t LayerPass::state_place(std::int64_t row, std::int64_t j) const {
  return (layer_ * stack_.batch + row) * hidden_ + j;
}

double LayerPass::given(const void* states, std::int64_t row, std::int64_t j) const {
  return states == nullptr ? 0.0 : stack_.numbers.load(states, state_place(row, j));
}

double LayerPass::h_before(std::int64_t row, std::int64_t t, std::int64_t j) const {
  if (t == 0) return given(memory_.hx, row, j);
  const std::int64_t n = at(row, t - 1);
  // What the caller gives back as y of the last layer must be what forward gave.
  if (memory_.y_given != nullptr && layer_ / directions_ == stack_.rnn.layers - 1) {
    const std::int64_t place = (n * directions_ + layer_ % directions_) * hidden_ + j;
    return stack_.numbers.load(memory_.y_given, place);
  }
  return record_.h(layer_, n)[j];
}

double LayerPass::c_before(std::int64_t row, std::int64_t t, std::int64_t j) const {
  return t == 0 ? given(memory_.cx, row, j) : record_.c(layer_, at(row, t - 1))[j];
}

void LayerPass::sum(std::int64_t row, std::int64_t t) const {
  const std::int64_t n = at(row, t);
  float* sums = record_.sums(layer_, n);
  for (int number = 0; number < 2 * gates_; ++number) {
    const std::int64_t width = columns(number);
    Factors factors;
    for (std::int64_t i = 0; i < width; ++i) {
      const double value = number < gates_ ? input(n, i) : h_before(row, t, i);
      factors.push_back(stack_.numbers.factor(static_cast<float>(value)));
    }
    for (std::int64_t j = 0; j < hidden_; ++j) {
      double total = biases_[index(number)][index(j)];
      const double* matrix_row = &matrices_[index(number)][index(j * width)];
      for (std::int64_t i = 0; i < width; ++i) total += matrix_row[i] * factors[index(i)];
      sums[number * hidden_ + j] = static_cast<float>(total);
    }
  }
}

GateSums LayerPass::unit_sums(std::int64_t n, std::int64_t j) const {
  const float* sums = record_.sums(layer_, n);
  GateSums unit;
  for (std::int64_t g = 0; g < gates_; ++g) {
    unit.input[index(g)] = sums[g * hidden_ + j];
    unit.recurrent[index(g)] = sums[(gates_ + g) * hidden_ + j];
  }
  return unit;
}

void LayerPass::forward(std::int64_t row) const {
  for (std::int64_t t = 0; t < stack_.lengths[index(row)]; ++t) {
    sum(row, t);
    const std::int64_t n = at(row, t);
    for (std::int64_t j = 0; j < hidden_; ++j) {
      const UnitState next = reference::functions_of(stack_.rnn.cell)
                                 .step(unit_sums(n, j), {h_before(row, t, j), c_before(row, t, j)});
      record_.h(layer_, n)[j] = stack_.numbers.rounded(next[0]);
      record_.c(layer_, n)[j] = static_cast<float>(next[1]);
    }
  }
}

void LayerPass::store_states() const {
  const bool has_c = stack_.rnn.cell == CellKind::lstm;
  for (std::int64_t row = 0; row < stack_.batch; ++row) {
    const std::int64_t end = stack_.lengths[index(row)];
    for (std::int64_t j = 0; j < hidden_; ++j) {
      const auto store = [&](void* states, double value) {
        if (states == nullptr) return;
        stack_.numbers.store(states, state_place(row, j), static_cast<float>(value));
      };
      store(memory_.hy, h_before(row, end, j));
      if (has_c) store(memory_.cy, c_before(row, end, j));
    }
  }
}

void LayerPass::backward(std::int64_t row, const std::vector<double>& d_outputs,
                         std::vector<double>& d_inputs) const {
  Factors d_h, d_c;
  for (std::int64_t j = 0; j < hidden_; ++j) {
    d_h.push_back(given(memory_.dhy, row, j));
    d_c.push_back(given(memory_.dcy, row, j));
  }
  for (std::int64_t t = stack_.lengths[index(row)] - 1; t >= 0; --t) {
    const std::int64_t n = at(row, t);
    float* d_sums = record_.sums(layer_, n);  // in the place of the sums
    Factors d_before(index(hidden_), 0.0);
    for (std::int64_t j = 0; j < hidden_; ++j) {
      d_h[index(j)] += d_outputs[index((n * directions_ + layer_ % directions_) * hidden_ + j)];
      const CellGradient gradient =
          reference::functions_of(stack_.rnn.cell)
              .gradient(unit_sums(n, j), {h_before(row, t, j), c_before(row, t, j)},
                        {d_h[index(j)], d_c[index(j)]});
      d_before[index(j)] = gradient.previous[0];
      d_c[index(j)] = gradient.previous[1];
      for (std::int64_t g = 0; g < gates_; ++g) {
        d_sums[g * hidden_ + j] = stack_.numbers.rounded(gradient.sums.input[index(g)]);
        d_sums[(gates_ + g) * hidden_ + j] =
            stack_.numbers.rounded(gradient.sums.recurrent[index(g)]);
      }
    }
    for (std::int64_t r = 0; r < 2 * gates_ * hidden_; ++r) {
      const bool recurrent = r >= gates_ * hidden_;
      const std::int64_t width = recurrent ? hidden_ : columns_;
      double* to = recurrent ? d_before.data() : d_inputs.data() + n * columns_;
      const double* matrix_row = &matrices_[index(r / hidden_)][index(r % hidden_ * width)];
      const double d_sum = stack_.numbers.factor(d_sums[r]);
      for (std::int64_t i = 0; i < width; ++i) to[i] += d_sum * matrix_row[i];
    }
    d_h = d_before;
  }
  store_state_gradients(row, d_h, d_c);
}

void LayerPass::store_state_gradients(std::int64_t row, const Factors& d_h,
                                      const Factors& d_c) const {
  for (std::int64_t j = 0; j < hidden_; ++j) {
    const auto store = [&](void* states, const Factors& values) {
      if (states == nullptr) return;
      stack_.numbers.store(states, state_place(row, j), static_cast<float>(values[index(j)]));
    };
    store(memory_.dhx, d_h);
    if (stack_.rnn.cell == CellKind::lstm) store(memory_.dcx, d_c);
  }
}

void LayerPass::add_weight_gradients(int number) const {
  const std::int64_t width = columns(number);
  Factors d_matrix(index(hidden_ * width), 0.0);
  Factors d_bias(index(hidden_), 0.0);
  for (std::int64_t row = 0; row < stack_.batch; ++row) {
    for (std::int64_t t = 0; t < stack_.lengths[index(row)]; ++t) {
      const std::int64_t n = at(row, t);
      const float* d_sums = record_.sums(layer_, n) + number * hidden_;
      for (std::int64_t i = 0; i < width; ++i) {
        const double value = number < gates_ ? input(n, i) : h_before(row, t, i);
        const double factor = stack_.numbers.factor(static_cast<float>(value));
        for (std::int64_t j = 0; j < hidden_; ++j) {
          d_matrix[index(j * width + i)] += stack_.numbers.factor(d_sums[j]) * factor;
        }
      }
      for (std::int64_t j = 0; j < hidden_; ++j) d_bias[index(j)] += d_sums[j];
    }
  }
  const auto add = [&](std::int64_t place, const Factors& values) {
    for (const double value : values) {
      const double sum = stack_.numbers.load(memory_.d_weights, place) + value;
      stack_.numbers.store(memory_.d_weights, place++, static_cast<float>(sum));
    }
  };
  const WeightPlace place = place_of(stack_.rnn, layer_, number);
  add(place.matrix, d_matrix);
  add(place.bias, d_bias);
}

}  // namespace cadenza::cudnn_stand_in
