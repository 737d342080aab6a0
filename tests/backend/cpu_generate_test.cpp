// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backend/cpu_targets.h"
#include "backend/generation_fixture.h"
#include "cadenza/error.h"
#include "support/sanitizer.h"

// The packed steps of the cpu backend give the bytes of the operations they stand for, in each of
// its number formats, whatever the sizes, the split and the instruction set.

namespace cadenza {
namespace {

using Head = GenerationNetwork::Head;
using test::Device;
using test::HostArray;
using test::RandomArrays;

constexpr std::int64_t kSteps = test::kSanitized ? 3 : 6;
constexpr std::int64_t kVocabulary = 37;  ///< or keys
constexpr std::int64_t kUnits = 21;       ///< of the NADE
constexpr Precision kFormats[] = {Precision::fp32, Precision::bf16, Precision::int24,
                                  Precision::int16, Precision::int8};

using Sizes = std::vector<std::int64_t>;
const Sizes kBatches = test::kSanitized ? Sizes{1, 3, 70} : Sizes{1, 2, 3, 7, 40, 130};
const Sizes kFewBatches = test::kSanitized ? Sizes{2, 20} : Sizes{1, 2, 3, 7, 50};
const std::vector<int> kThreadCounts =
    test::kSanitized ? std::vector<int>{2} : std::vector<int>{1, 2, 5};

struct NetworkCase {
  CellKind cell;
  std::vector<std::int64_t> hidden;  ///< of each layer
  std::int64_t embedding = 0;        ///< 0: one-hot
  Head head = Head::softmax;
};

const NetworkCase kNetworks[] = {
    {CellKind::lstm, {70, 33}, 9},
    {CellKind::lstm, {16}},
    {CellKind::lstm, {test::kSanitized ? 33 : 260, 20}},  // deeper than a part
    {CellKind::gru, {45, 20, 32}},
    {CellKind::gru, {1, 3}, 5},
    {CellKind::rnn_tanh, {100}, 300},
    {CellKind::rnn_relu, {17, 64}},
    {CellKind::lstm, {20, 9}, 0, Head::bernoulli},
    {CellKind::gru, {40}, 0, Head::nade}};

GenerationNetwork make_network(Device& device, const NetworkCase& from) {
  RandomArrays random(5);
  GenerationNetwork network{.head = from.head, .width = kVocabulary, .cell = from.cell};
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
  if (from.head == Head::nade) {
    network.nade_hidden = {array({kUnits, 50}), array({kUnits})};
    network.nade_w = array({kVocabulary, kUnits});
    network.nade_u = array({kVocabulary, kUnits});
  }
  return network;
}

GenerateArgs make_args(Device& device, const GenerationNetwork& network, std::int64_t batch) {
  RandomArrays random(6);
  GenerateArgs args{.network = &network};
  for (const RecurrentWeights& layer : network.layers) {
    args.states.push_back(device.put(
        random.real({info_of(network.cell).states, batch, layer.w_hh.shape[1]}, -4.0, 4.0)));
  }
  const bool tokens = network.head == Head::softmax;
  HostArray input =
      tokens ? random.ids({batch}, -1, kVocabulary) : random.ids({batch, kVocabulary}, 0, 2);
  if (!tokens) input.dtype = DType::f64;
  args.input = device.put(input);
  args.rows = test::make_rows(device, {{}, {.temperature = 0.7, .top_p = 0.9}}, batch);
  if (tokens) {
    args.tokens = device.allocate({kSteps, batch}, DType::i32);
  } else {
    args.frames = device.garbage({kSteps, batch, kVocabulary});
  }
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
    const auto apply = [&](const DenseWeights& dense, const TensorView& to) {
      const TensorView y = device.garbage({batch, dense.weight.shape[0]});
      backend.matmul({.a = to,
                      .b = dense.weight,
                      .c = y,
                      .transpose_b = Transpose::yes,
                      .bias = dense.bias,
                      .order = SumOrder::fixed});
      backend.activation({.kind = dense.activation, .x = y, .y = y});
      return y;
    };
    TensorView before = x;
    for (const DenseWeights& dense : network.dense) {
      before = x;
      x = apply(dense, x);
    }
    DrawRows rows = args.rows;
    rows.steps = device.put(steps);
    for (double& step : steps.values) ++step;
    const TensorView score = args.log_probability.at(t);
    if (network.head != Head::softmax) {
      const TensorView frame = args.frames.at(t);
      if (network.head == Head::bernoulli) {
        backend.sample_keys({.logits = x, .rows = rows, .keys = frame, .log_probability = score});
      } else {
        backend.sample_nade({.visible_bias = x,
                             .hidden_bias = apply(network.nade_hidden, before),
                             .w = network.nade_w,
                             .u = network.nade_u,
                             .rows = rows,
                             .keys = frame,
                             .log_probability = score});
      }
      input = frame;
      continue;
    }
    backend.sample_tokens(
        {.logits = x, .rows = rows, .tokens = args.tokens.at(t), .log_probability = score});
    input = args.tokens.at(t);
  }
}

/// Tokens, their log-probabilities and the final states.
std::vector<std::vector<double>> outputs(const Device& device, const GenerateArgs& args) {
  const TensorView& drawn = args.tokens.empty() ? args.frames : args.tokens;
  std::vector<std::vector<double>> all = {device.get(drawn).values,
                                          device.get(args.log_probability).values};
  for (const TensorView& state : args.states) all.push_back(device.get(state).values);
  return all;
}

using Outputs = std::vector<std::vector<double>>;

Outputs outputs_by_hand(const NetworkCase& network_case, Precision format, std::int64_t batch) {
  const auto backend = make_backend("cpu", {.threads = 1, .precision = format});
  Device device(*backend, DType::f32);
  const GenerationNetwork network = make_network(device, network_case);
  const GenerateArgs args = make_args(device, network, batch);
  generate_by_hand(device, args);
  return outputs(device, args);
}

TEST(CpuGenerate, EqualsItsOperationsForAnySizeSplitAndTarget) {
  std::vector<Outputs> first;  // of the first target, by case
  test::for_each_target([&](const char* target) {
    std::size_t place = 0;
    for (const Precision format : kFormats) {
      for (const NetworkCase& network_case : kNetworks) {
        const bool few = format != Precision::fp32;
        for (const std::int64_t batch : few ? kFewBatches : kBatches) {
          const std::string where = message(target, ", ", name_of(format), ", ",
                                            info_of(network_case.cell).name, ", ", batch, " rows");
          const Outputs expected = outputs_by_hand(network_case, format, batch);
          if (place == first.size()) first.push_back(expected);
          ASSERT_EQ(expected, first[place++]) << where << " beside the first target";
          for (const int threads : kThreadCounts) {
            const auto backend = make_backend("cpu", {.threads = threads, .precision = format});
            Device device(*backend, DType::f32);
            GenerationNetwork same = make_network(device, network_case);
            if (threads == 2) same.prepared = backend->prepare_generation(same);
            const GenerateArgs args = make_args(device, same, batch);
            backend->generate(args);
            ASSERT_EQ(outputs(device, args), expected) << where << ", " << threads << " threads";
          }
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
