// SPDX-License-Identifier: Apache-2.0
#include "backend/generation_step.h"

namespace cadenza {

using Head = GenerationNetwork::Head;

GenerationStep::GenerationStep(Backend& backend, const GenerateArgs& args, std::int64_t batch)
    : backend_(backend),
      args_(args),
      network_(*args.network),
      recurrent_(backend, network_, batch) {
  const auto make = [&](const DenseWeights& weights) {
    return Dense{&weights, Tensor(backend, {batch, weights.weight.shape[0]}, DType::f32)};
  };
  for (const DenseWeights& weights : network_.dense) dense_.push_back(make(weights));
  if (network_.head == Head::nade) nade_hidden_ = make(network_.nade_hidden);
}

std::size_t GenerationStep::bytes_per_row(const GenerationNetwork& network) {
  std::int64_t floats = NetworkStep::floats_per_row(network);
  for (const DenseWeights& dense : network.dense) floats += dense.weight.shape[0];
  if (network.head == Head::nade) floats += network.nade_hidden.weight.shape[0];
  return static_cast<std::size_t>(floats) * sizeof(float);
}

TensorView GenerationStep::apply(const Dense& dense, const TensorView& x) {
  backend_.matmul({.a = x,
                   .b = dense.weights->weight,
                   .c = dense.out,
                   .transpose_b = Transpose::yes,
                   .bias = dense.weights->bias,
                   .order = SumOrder::fixed});
  if (dense.weights->activation != Activation::identity) {
    backend_.activation({.kind = dense.weights->activation, .x = dense.out, .y = dense.out});
  }
  return dense.out;
}

GenerationStep::Output GenerationStep::compute(const TensorView& input, std::int64_t position) {
  TensorView x = recurrent_.run(
      input, {.states = args_.states, .memory = args_.memory, .history = args_.history}, position);
  for (std::size_t l = 0; l + 1 < dense_.size(); ++l) x = apply(dense_[l], x);
  Output output{apply(dense_.back(), x), {}};
  if (nade_hidden_) output.hidden_bias = apply(*nade_hidden_, x);
  return output;
}

void GenerationStep::run(const TensorView& input, const Drawn& drawn, std::int64_t position) {
  const Output output = compute(input, position);
  switch (network_.head) {
    case Head::softmax:
      backend_.sample_tokens({.logits = output.logits,
                              .bias = args_.bias,
                              .allowed = args_.allowed,
                              .window = args_.window,
                              .rows = args_.rows,
                              .tokens = drawn.tokens,
                              .log_probability = drawn.log_probability});
      break;
    case Head::bernoulli:
      backend_.sample_keys({.logits = output.logits,
                            .rows = args_.rows,
                            .keys = drawn.frames,
                            .log_probability = drawn.log_probability});
      break;
    case Head::nade:
      backend_.sample_nade({.visible_bias = output.logits,
                            .hidden_bias = output.hidden_bias,
                            .w = network_.nade_w,
                            .u = network_.nade_u,
                            .rows = args_.rows,
                            .keys = drawn.frames,
                            .log_probability = drawn.log_probability});
      break;
  }
}

}  // namespace cadenza
