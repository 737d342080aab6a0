// SPDX-License-Identifier: Apache-2.0
#include "nn/recurrent_stack.h"

#include <cmath>

#include "cadenza/error.h"
#include "nn/arrange.h"

namespace cadenza {
namespace {

// Where each step of a sequence lies in the same sequence backwards, and the other way round: row
// numbers in [T * B], -1 beyond the lengths.
std::vector<std::int32_t> reversal(std::int64_t steps, std::span<const std::int32_t> lengths) {
  const auto rows = static_cast<std::int64_t>(lengths.size());
  std::vector<std::int32_t> ids(static_cast<std::size_t>(steps * rows), -1);
  for (std::int64_t b = 0; b < rows; ++b) {
    const std::int64_t length = lengths[static_cast<std::size_t>(b)];
    for (std::int64_t t = 0; t < length; ++t) {
      ids[static_cast<std::size_t>(t * rows + b)] =
          static_cast<std::int32_t>((length - 1 - t) * rows + b);
    }
  }
  return ids;
}

// Which numbers of [B, L * S * H] make the state [S, B, H] of layer `layer`, as rows of H.
std::vector<std::int32_t> state_rows(int layer, int layers, int states, std::int64_t batch) {
  std::vector<std::int32_t> ids;
  for (int s = 0; s < states; ++s) {
    for (std::int64_t b = 0; b < batch; ++b) {
      ids.push_back(static_cast<std::int32_t>((b * layers + layer) * states + s));
    }
  }
  return ids;
}

}  // namespace

RecurrentSpec RecurrentStack::spec(int layer) const {
  return {.cell = cell, .input = layer == 0 ? input : width(), .hidden = hidden};
}

std::string RecurrentStack::name(std::string_view what, int layer, int direction) const {
  return message(prefix, info_of(cell).module, ".", what, "_l", layer,
                 direction == 0 ? "" : "_reverse");
}

void RecurrentStack::add_specs(std::vector<ParameterSpec>& specs) const {
  const std::int64_t rows = std::int64_t{info_of(cell).gates} * hidden;
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
  for (int layer = 0; layer < layers; ++layer) {
    for (int direction = 0; direction < direction_count(); ++direction) {
      specs.push_back({name("weight_ih", layer, direction), {rows, spec(layer).input}, bound});
      specs.push_back({name("weight_hh", layer, direction), {rows, hidden}, bound});
      specs.push_back({name("bias_ih", layer, direction), {rows}, bound});
      specs.push_back({name("bias_hh", layer, direction), {rows}, bound});
    }
  }
}

void RecurrentStack::add_forget_bias(Parameters& parameters, double bias) const {
  if (cell != CellKind::lstm || bias == 0.0) return;
  const std::size_t gate = info_of(cell).gate_names.find('f');
  const auto units = static_cast<std::size_t>(hidden);
  for (int layer = 0; layer < layers; ++layer) {
    for (int direction = 0; direction < direction_count(); ++direction) {
      const std::string bias_name = name("bias_ih", layer, direction);
      std::vector<double> values = parameters.download(bias_name);
      for (std::size_t i = gate * units; i < (gate + 1) * units; ++i) values[i] += bias;
      parameters.upload(bias_name, values);
    }
  }
}

RecurrentWeights RecurrentStack::weights(const Parameters& parameters, int layer,
                                         int direction) const {
  return {.w_ih = parameters.value(name("weight_ih", layer, direction)),
          .w_hh = parameters.value(name("weight_hh", layer, direction)),
          .b_ih = parameters.value(name("bias_ih", layer, direction)),
          .b_hh = parameters.value(name("bias_hh", layer, direction))};
}

RecurrentParameters RecurrentStack::on(Tape& tape, Parameters& parameters, int layer,
                                       int direction) const {
  const auto at = [&](std::string_view what) {
    return &parameter(tape, parameters, name(what, layer, direction));
  };
  return {.w_ih = at("weight_ih"),
          .w_hh = at("weight_hh"),
          .b_ih = at("bias_ih"),
          .b_hh = at("bias_hh")};
}

Variable& parameter(Tape& tape, Parameters& parameters, const std::string& name) {
  return tape.parameter(parameters.value(name), parameters.gradient(name));
}

LinearParameters linear_parameters(Tape& tape, Parameters& parameters, const std::string& prefix) {
  return {&parameter(tape, parameters, prefix + "weight"),
          &parameter(tape, parameters, prefix + "bias")};
}

void add_linear_specs(std::vector<ParameterSpec>& specs, const std::string& prefix, std::int64_t in,
                      std::int64_t out) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  specs.push_back({prefix + "weight", {out, in}, bound});
  specs.push_back({prefix + "bias", {out}, bound});
}

std::vector<Variable*> first_states(Tape& tape, Parameters& parameters, const RecurrentStack& stack,
                                    const std::string& prefix, Variable& x) {
  const int states = info_of(stack.cell).states;
  Variable& first = activation(tape, linear(tape, x, linear_parameters(tape, parameters, prefix)),
                               Activation::tanh);
  const std::int64_t batch = first.value().shape[0];
  std::vector<Variable*> layers;
  for (int layer = 0; layer < stack.layers; ++layer) {
    const TensorView rows =
        tape.upload(state_rows(layer, stack.layers, states, batch), {states * batch});
    layers.push_back(&gather_rows(tape, first, rows, {states, batch, stack.hidden}));
  }
  return layers;
}

RecurrentLayers::RecurrentLayers(Tape& tape, Parameters& parameters, const RecurrentStack& from)
    : stack(from) {
  for (int layer = 0; layer < stack.layers; ++layer) {
    layers.push_back(stack.on(tape, parameters, layer));
  }
}

Variable& RecurrentLayers::run(Tape& tape, Variable& x, std::vector<Variable*>& states,
                               const std::function<DropoutPlace(int)>& place) const {
  Variable* y = &x;
  for (int layer = 0; layer < stack.layers; ++layer) {
    const auto l = static_cast<std::size_t>(layer);
    const RecurrentResult result =
        recurrent(tape, stack.spec(layer), *y, {}, *states[l], layers[l]);
    states[l] = &result.final_state;
    y = &dropout(tape, result.y, place(layer));
  }
  return *y;
}

EncoderOutput encode(Tape& tape, Parameters& parameters, const RecurrentStack& stack,
                     const EncoderInput& input) {
  const std::int64_t steps = input.x->value().shape[0];
  const std::int64_t rows = input.x->value().shape[1];
  const Lengths lengths = {.device = tape.upload(input.lengths, {rows}), .host = input.lengths};
  const TensorView backwards = tape.upload(reversal(steps, input.lengths), {steps * rows});
  const auto reversed = [&](Variable& x) -> Variable& {
    return gather_rows(tape, x, backwards, x.value().shape);
  };
  const TensorView zero = tape.allocate({info_of(stack.cell).states, rows, stack.hidden});
  tape.backend().fill(zero, 0.0);
  Variable& initial_state = tape.constant(zero);

  Variable* x = input.x;
  std::vector<Variable*> last;
  for (int layer = 0; layer < stack.layers; ++layer) {
    std::vector<Variable*> y;
    last.clear();
    for (int direction = 0; direction < stack.direction_count(); ++direction) {
      const RecurrentResult result =
          recurrent(tape, stack.spec(layer), direction == 0 ? *x : reversed(*x), lengths,
                    initial_state, stack.on(tape, parameters, layer, direction));
      y.push_back(direction == 0 ? &result.y : &reversed(result.y));
      last.push_back(&slice(tape, result.final_state, 0, 1));
    }
    x = &dropout(tape, y.size() == 1 ? *y[0] : join_columns(tape, y), input.dropout(layer));
  }
  return {*x, last.size() == 1 ? *last[0] : join_columns(tape, last)};
}

}  // namespace cadenza
