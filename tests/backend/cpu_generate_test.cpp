// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backend/cpu_targets.h"
#include "backend/generation_fixture.h"

// The packed steps of the cpu backend give the bytes of the operations they stand for, whatever the
// sizes, the split and the instruction set.

namespace cadenza {
namespace {

using test::Device;
using test::HostArray;
using test::RandomArrays;

constexpr std::int64_t kSteps = 6;
constexpr std::int64_t kVocabulary = 37;

struct NetworkCase {
  CellKind cell;
  std::vector<std::int64_t> hidden;  ///< of each layer
  std::int64_t embedding = 0;        ///< 0: one-hot
};

const NetworkCase kNetworks[] = {{CellKind::lstm, {70, 33}, 9},    {CellKind::lstm, {16}},
                                 {CellKind::gru, {45, 20, 32}},    {CellKind::gru, {1, 3}, 5},
                                 {CellKind::rnn_tanh, {100}, 300}, {CellKind::rnn_relu, {17, 64}}};

GenerationNetwork make_network(Device& device, const NetworkCase& from) {
  RandomArrays random(5);
  GenerationNetwork network{.width = kVocabulary, .cell = from.cell};
  const auto array = [&](const Shape& shape) { return device.put(random.real(shape, -0.3, 0.3)); };
  std::int64_t in = kVocabulary;
  if (from.embedding > 0) {
    in = from.embedding;
    network.embedding = array({kVocabulary, in});
  }
  for (const std::int64_t hidden : from.hidden) {
    const std::int64_t rows = info_of(from.cell).gates * hidden;
    network.layers.push_back(
        {array({rows, in}), array({rows, hidden}), array({rows}), array({rows})});
    in = hidden;
  }
  network.dense.push_back({array({50, in}), {}, Activation::relu});
  network.dense.push_back({array({kVocabulary, 50}), array({kVocabulary}), Activation::identity});
  return network;
}

GenerateArgs make_args(Device& device, const GenerationNetwork& network, std::int64_t batch) {
  RandomArrays random(6);
  GenerateArgs args{.network = &network};
  for (const RecurrentWeights& layer : network.layers) {
    args.states.push_back(device.put(
        random.real({info_of(network.cell).states, batch, layer.w_hh.shape[1]}, -0.5, 0.5)));
  }
  args.input = device.put(random.ids({batch}, -1, kVocabulary));
  args.rows = test::make_rows(device, {{}, {.temperature = 0.7, .top_p = 0.9}}, batch);
  args.tokens = device.allocate({kSteps, batch}, DType::i32);
  args.log_probability = device.garbage({kSteps, batch});
  return args;
}

/// The same by recurrent_step(), matmul() and the draw.
void generate_by_hand(Device& device, const GenerateArgs& args) {
  Backend& backend = device.backend();
  const GenerationNetwork& network = *args.network;
  const std::int64_t batch = args.input.shape[0];
  TensorView input = args.input;
  HostArray steps = device.get(args.rows.steps);
  for (std::int64_t t = 0; t < kSteps; ++t) {
    TensorView x = input;
    if (!network.embedding.empty()) {
      x = device.garbage({batch, network.embedding.shape[1]});
      backend.embedding({.ids = input, .table = network.embedding, .y = x});
    }
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
      const RecurrentWeights& weights = network.layers[l];
      backend.recurrent_step({network.cell, weights.w_ih.shape[1], weights.w_hh.shape[1]},
                             {.x = x, .state = args.states[l], .weights = weights});
      x = args.states[l].at(0);
    }
    for (const DenseWeights& dense : network.dense) {
      const TensorView y = device.garbage({batch, dense.weight.shape[0]});
      backend.matmul({.a = x,
                      .b = dense.weight,
                      .c = y,
                      .transpose_b = Transpose::yes,
                      .bias = dense.bias,
                      .order = SumOrder::fixed});
      backend.activation({.kind = dense.activation, .x = y, .y = y});
      x = y;
    }
    DrawRows rows = args.rows;
    rows.steps = device.put(steps);
    for (double& step : steps.values) ++step;
    backend.sample_tokens({.logits = x,
                           .rows = rows,
                           .tokens = args.tokens.at(t),
                           .log_probability = args.log_probability.at(t)});
    input = args.tokens.at(t);
  }
}

/// Tokens, their log-probabilities and the final states.
std::vector<std::vector<double>> outputs(const Device& device, const GenerateArgs& args) {
  std::vector<std::vector<double>> all = {device.get(args.tokens).values,
                                          device.get(args.log_probability).values};
  for (const TensorView& state : args.states) all.push_back(device.get(state).values);
  return all;
}

TEST(CpuGenerate, EqualsItsOperationsForAnySizeSplitAndTarget) {
  test::for_each_target([](const char* target) {
    for (const NetworkCase& network_case : kNetworks) {
      for (const std::int64_t batch : {1, 2, 3, 7, 40, 130}) {
        const auto one = make_backend("cpu", {.threads = 1});
        Device by_hand(*one, DType::f32);
        const GenerationNetwork network = make_network(by_hand, network_case);
        const GenerateArgs expected = make_args(by_hand, network, batch);
        generate_by_hand(by_hand, expected);
        for (const int threads : {1, 2, 5}) {
          const auto backend = make_backend("cpu", {.threads = threads});
          Device device(*backend, DType::f32);
          const GenerationNetwork same = make_network(device, network_case);
          const GenerateArgs args = make_args(device, same, batch);
          backend->generate(args);
          ASSERT_EQ(outputs(device, args), outputs(by_hand, expected))
              << target << ", " << info_of(network_case.cell).name << ", " << batch << " rows, "
              << threads << " threads";
        }
      }
    }
  });
}

TEST(CpuGenerate, PlanSaysHowTheWorkIsShared) {
  const auto backend = make_backend("cpu", {.threads = 2});
  Device device(*backend, DType::f32);
  const GenerationNetwork network = make_network(device, kNetworks[0]);
  EXPECT_EQ(backend->plan_generation(network, 1).kernel, "packed steps, shared by units");
  EXPECT_EQ(backend->plan_generation(network, 256).kernel, "packed steps, shared by rows");
  EXPECT_GT(backend->plan_generation(network, 256).workspace_bytes,
            backend->plan_generation(network, 1).workspace_bytes);
}

TEST(CpuGenerate, RefusesAnIdOutsideTheVocabulary) {
  const auto backend = make_backend("cpu", {.threads = 1});
  Device device(*backend, DType::f32);
  const GenerationNetwork network = make_network(device, kNetworks[0]);
  GenerateArgs args = make_args(device, network, 2);
  args.input = device.put({{2}, DType::i32, {0.0, static_cast<double>(kVocabulary)}});
  EXPECT_THROW(backend->generate(args), ArgumentError);
}

}  // namespace
}  // namespace cadenza
