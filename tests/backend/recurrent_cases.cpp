// SPDX-License-Identifier: Apache-2.0
#include "cadenza/backend.h"
#include "support/op_case.h"

namespace cadenza::test {
namespace {

struct Edge {
  const char* name;
  std::int64_t steps, batch, input, hidden;
  bool ids = false;
  std::vector<double> lengths = {};
  bool initial = true;
  bool final = true;
  bool state_in_place = false;
  bool host_lengths = false;
  double most_w_ih = 0.5;  ///< less where many inputs add up
};

const std::vector<Edge>& edges() {
  static const std::vector<Edge> kEdges = {
      {.name = "T=1 B=1 I=1 H=1", .steps = 1, .batch = 1, .input = 1, .hidden = 1},
      {.name = "lengths, one zero",
       .steps = 5,
       .batch = 4,
       .input = 4,
       .hidden = 7,
       .lengths = {5, 0, 3, 1}},
      {.name = "lengths on the host, falling to zero",
       .steps = 5,
       .batch = 5,
       .input = 4,
       .hidden = 7,
       .lengths = {4, 4, 2, 1, 0},
       .host_lengths = true},
      {.name = "lengths on the host, unsorted ids",
       .steps = 4,
       .batch = 3,
       .input = 5,
       .hidden = 9,
       .ids = true,
       .lengths = {0, 4, 2},
       .host_lengths = true},
      {.name = "T=0", .steps = 0, .batch = 2, .input = 3, .hidden = 5},
      {.name = "T=0, no initial state, ids",
       .steps = 0,
       .batch = 2,
       .input = 3,
       .hidden = 5,
       .ids = true,
       .initial = false},
      {.name = "no final state, more ids than rows of w_ih",
       .steps = 9,
       .batch = 5,
       .input = 3,
       .hidden = 33,
       .ids = true,
       .final = false},
      {.name = "no states",
       .steps = 4,
       .batch = 2,
       .input = 3,
       .hidden = 33,
       .initial = false,
       .final = false},
      {.name = "ids", .steps = 6, .batch = 3, .input = 5, .hidden = 4, .ids = true},
      {.name = "ids, lengths",
       .steps = 6,
       .batch = 3,
       .input = 5,
       .hidden = 4,
       .ids = true,
       .lengths = {2, 6, 0}},
      {.name = "state in place",
       .steps = 3,
       .batch = 5,
       .input = 19,
       .hidden = 64,
       .state_in_place = true},
      {.name = "wide", .steps = 7, .batch = 17, .input = 45, .hidden = 96},
      {.name = "more rows and columns than a block",
       .steps = 35,
       .batch = 30,
       .input = 210,
       .hidden = 50,
       .initial = false,
       .most_w_ih = 0.2},
  };
  return kEdges;
}

RecurrentWeights put_weights(Device& device, const Arrays& inputs) {
  return {device.put(inputs.at("w_ih")), device.put(inputs.at("w_hh")),
          device.put(inputs.at("b_ih")), device.put(inputs.at("b_hh"))};
}

RecurrentWeights gradients_like(Device& device, const RecurrentWeights& weights) {
  const auto like = [&](const TensorView& view) {
    return device.put(filled(view.shape, kGradientBefore));
  };
  return {like(weights.w_ih), like(weights.w_hh), like(weights.b_ih), like(weights.b_hh)};
}

/// A forward pass and what backward needs of it.
struct Pass {
  RecurrentSpec spec;
  RecurrentForwardArgs args;
  TensorView initial_state;  // untouched
};

/// The lengths on the host, where the caller has them there.
std::vector<std::int32_t> host_lengths(const Edge& edge) {
  if (!edge.host_lengths) return {};
  return {edge.lengths.begin(), edge.lengths.end()};
}

Pass run_forward(Device& device, CellKind cell, const Edge& edge, const Arrays& inputs,
                 bool training) {
  const Shape state{info_of(cell).states, edge.batch, edge.hidden};
  Pass pass{{cell, edge.input, edge.hidden}, {}, device.put(inputs, "initial_state")};
  pass.args.x = device.put(inputs.at("x"));
  pass.args.lengths = device.put(inputs, "lengths");
  pass.args.weights = put_weights(device, inputs);
  pass.args.initial_state = device.put(inputs, "initial_state");
  pass.args.y = device.garbage({edge.steps, edge.batch, edge.hidden});
  if (edge.final) {
    pass.args.final_state = edge.state_in_place ? pass.args.initial_state : device.garbage(state);
  }
  if (training) {
    const std::size_t bytes =
        device.backend().recurrent_reserve_bytes(pass.spec, edge.steps, edge.batch, device.real());
    pass.args.reserve = device.allocate({static_cast<std::int64_t>(bytes)}, DType::u8);
    // NaN in every format: forward must write what backward reads.
    device.backend().upload(std::vector<std::byte>(bytes, std::byte{0xFF}), pass.args.reserve);
  }
  const std::vector<std::int32_t> lengths = host_lengths(edge);
  pass.args.host_lengths = lengths;
  device.backend().recurrent_forward(pass.spec, pass.args);
  pass.args.host_lengths = {};
  return pass;
}

Arrays forward(Device& device, CellKind cell, const Edge& edge, const Arrays& inputs,
               bool training) {
  const Pass pass = run_forward(device, cell, edge, inputs, training);
  Arrays outputs{{"y", device.get(pass.args.y)}};
  if (edge.final) outputs["final_state"] = device.get(pass.args.final_state);
  return outputs;
}

Arrays backward(Device& device, CellKind cell, const Edge& edge, const Arrays& inputs,
                const Arrays& cotangents) {
  const Pass pass = run_forward(device, cell, edge, inputs, true);
  const RecurrentForwardArgs& args = pass.args;
  const RecurrentWeights d_weights = gradients_like(device, args.weights);
  const TensorView dx = edge.ids ? TensorView{} : device.garbage(args.x.shape);
  const TensorView d_final = device.put(cotangents, "final_state");
  TensorView d_initial;
  if (edge.initial) {
    d_initial = edge.state_in_place ? d_final : device.garbage(args.initial_state.shape);
  }
  const std::vector<std::int32_t> lengths = host_lengths(edge);
  device.backend().recurrent_backward(pass.spec, {.x = args.x,
                                                  .lengths = args.lengths,
                                                  .host_lengths = lengths,
                                                  .initial_state = pass.initial_state,
                                                  .weights = args.weights,
                                                  .y = args.y,
                                                  .reserve = args.reserve,
                                                  .dy = device.put(cotangents.at("y")),
                                                  .d_final_state = d_final,
                                                  .dx = dx,
                                                  .d_initial_state = d_initial,
                                                  .d_weights = d_weights});
  Arrays gradients{{"w_ih", without_initial_value(device.get(d_weights.w_ih))},
                   {"w_hh", without_initial_value(device.get(d_weights.w_hh))},
                   {"b_ih", without_initial_value(device.get(d_weights.b_ih))},
                   {"b_hh", without_initial_value(device.get(d_weights.b_hh))}};
  if (!edge.ids) gradients["x"] = device.get(dx);
  if (edge.initial) gradients["initial_state"] = device.get(d_initial);
  return gradients;
}

OpCase recurrent_case(const CellInfo& cell, const Edge& edge, std::uint64_t seed) {
  RandomArrays random(seed);
  const std::int64_t rows = cell.gates * edge.hidden;
  const Shape state{cell.states, edge.batch, edge.hidden};
  OpCase op;
  op.name = message("recurrent ", cell.name, ' ', edge.name);
  op.seed = seed;
  op.inputs["x"] = edge.ids ? random.ids({edge.steps, edge.batch}, -1, edge.input)
                            : random.real({edge.steps, edge.batch, edge.input});
  if (!edge.lengths.empty()) op.inputs["lengths"] = {{edge.batch}, DType::i32, edge.lengths};
  if (edge.initial) op.inputs["initial_state"] = random.real(state);
  op.inputs["w_ih"] = random.real({rows, edge.input}, -edge.most_w_ih, edge.most_w_ih);
  op.inputs["w_hh"] = random.real({rows, edge.hidden}, -0.2, 0.2);
  op.inputs["b_ih"] = random.real({rows}, -0.5, 0.5);
  op.inputs["b_hh"] = random.real({rows}, -0.5, 0.5);
  op.cotangents["y"] = random.real({edge.steps, edge.batch, edge.hidden});
  if (edge.final) op.cotangents["final_state"] = random.real(state);
  const CellKind kind = cell.kind;
  op.forward = [kind, edge](Device& device, const Arrays& inputs) {
    return forward(device, kind, edge, inputs, false);
  };
  op.backward = [kind, edge](Device& device, const Arrays& inputs, const Arrays& cotangents) {
    return backward(device, kind, edge, inputs, cotangents);
  };
  op.small = edge.batch < 10;
  op.kinked = kind == CellKind::rnn_relu;
  return op;
}

OpCase step_case(const CellInfo& cell, bool ids) {
  RandomArrays random(31);
  constexpr std::int64_t kBatch = 5;
  constexpr std::int64_t kInput = 37;
  constexpr std::int64_t kHidden = 45;
  const std::int64_t rows = cell.gates * kHidden;
  OpCase op;
  op.name = message("recurrent_step ", cell.name, ids ? " ids" : "");
  op.seed = 31;
  op.inputs["x"] = ids ? random.ids({kBatch}, -1, kInput) : random.real({kBatch, kInput});
  op.inputs["state"] = random.real({cell.states, kBatch, kHidden});
  op.inputs["w_ih"] = random.real({rows, kInput}, -0.5, 0.5);
  op.inputs["w_hh"] = random.real({rows, kHidden}, -0.5, 0.5);
  op.inputs["b_ih"] = random.real({rows}, -0.5, 0.5);
  op.inputs["b_hh"] = random.real({rows}, -0.5, 0.5);
  const CellKind kind = cell.kind;
  op.forward = [kind](Device& device, const Arrays& inputs) {
    const TensorView state = device.put(inputs.at("state"));
    device.backend().recurrent_step(
        {kind, kInput, kHidden},
        {.x = device.put(inputs.at("x")), .state = state, .weights = put_weights(device, inputs)});
    return Arrays{{"state", device.get(state)}};
  };
  return op;
}

}  // namespace

std::vector<OpCase> recurrent_cases() {
  std::vector<OpCase> cases;
  for (const CellInfo& cell : cells()) {
    std::uint64_t seed = 40;
    for (const Edge& edge : edges()) cases.push_back(recurrent_case(cell, edge, ++seed));
    cases.push_back(step_case(cell, false));
    cases.push_back(step_case(cell, true));
  }
  return cases;
}

}  // namespace cadenza::test
