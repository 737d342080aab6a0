// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <set>
#include <span>

#include "backend/generation_fixture.h"
#include "core/draw.h"
#include "support/backend_param.h"
#include "support/compare.h"
#include "support/sanitizer.h"

namespace cadenza {
namespace {

using test::Device;
using test::Generation;
using test::HostArray;
using Head = GenerationNetwork::Head;

/// More than two recordings of steps on backends that replay them, and some.
constexpr std::int64_t kSteps = 37;

std::vector<test::NetworkArrays> networks() {
  return {test::make_network(Head::softmax, CellKind::lstm, true, 29),
          test::make_network(Head::softmax, CellKind::gru, false, 29),
          test::make_network(Head::bernoulli, CellKind::rnn_tanh, false, 18),
          test::make_network(Head::nade, CellKind::lstm, false, 18)};
}

test::NetworkArrays token_network() {
  return test::make_network(Head::softmax, CellKind::lstm, true, 29);
}

/// One step of the network by hand: the last dense layer's input, and its output.
struct StepOutput {
  TensorView before_last, logits;
};

StepOutput step_by_hand(Device& device, const GenerateArgs& args, const TensorView& input) {
  Backend& backend = device.backend();
  const GenerationNetwork& network = *args.network;
  const std::int64_t batch = input.shape[0];
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
  const auto dense = [&](const TensorView& from, const DenseWeights& weights) {
    const TensorView to = device.garbage({batch, weights.weight.shape[0]});
    backend.matmul({.a = from,
                    .b = weights.weight,
                    .c = to,
                    .transpose_b = Transpose::yes,
                    .bias = weights.bias,
                    .order = SumOrder::fixed});
    backend.activation({.kind = weights.activation, .x = to, .y = to});
    return to;
  };
  const TensorView before_last = dense(x, network.dense[0]);
  return {before_last, dense(before_last, network.dense[1])};
}

/// What `kSteps` of generate() must draw.
HostArray generate_by_hand(Generation& generation) {
  Device& device = generation.device();
  Backend& backend = device.backend();
  GenerateArgs& args = generation.args();
  const GenerationNetwork& network = generation.network();
  const bool tokens = network.head == Head::softmax;
  const std::int64_t batch = args.input.shape[0];
  HostArray steps = device.get(args.rows.steps);
  HostArray all{
      tokens ? Shape{kSteps, batch} : Shape{kSteps, batch, network.width}, DType::f64, {}};
  TensorView input = args.input;
  for (std::int64_t t = 0; t < kSteps; ++t) {
    const StepOutput output = step_by_hand(device, args, input);
    DrawRows rows = args.rows;
    rows.steps = device.put(steps);
    for (double& step : steps.values) ++step;
    const TensorView drawn = tokens ? device.allocate({batch}, DType::i32)
                                    : device.allocate({batch, network.width}, DType::f32);
    if (network.head == Head::softmax) {
      backend.sample_tokens({.logits = output.logits, .rows = rows, .tokens = drawn});
    } else if (network.head == Head::bernoulli) {
      backend.sample_keys({.logits = output.logits, .rows = rows, .keys = drawn});
    } else {
      const TensorView hidden_bias = device.garbage({batch, network.nade_w.shape[1]});
      backend.matmul({.a = output.before_last,
                      .b = network.nade_hidden.weight,
                      .c = hidden_bias,
                      .transpose_b = Transpose::yes,
                      .bias = network.nade_hidden.bias,
                      .order = SumOrder::fixed});
      backend.sample_nade({.visible_bias = output.logits,
                           .hidden_bias = hidden_bias,
                           .w = network.nade_w,
                           .u = network.nade_u,
                           .rows = rows,
                           .keys = drawn});
    }
    const HostArray values = device.get(drawn);
    all.values.insert(all.values.end(), values.values.begin(), values.values.end());
    input = drawn;
  }
  return all;
}

class Generate : public test::BackendTest {
 protected:
  HostArray tokens_of(const Generation::Options& options) {
    Generation generation(backend(), token_network(), options);
    generation.run(kSteps);
    return generation.drawn();
  }
};

TEST_P(Generate, EqualsTheOperationsOneAfterTheOther) {
  for (const test::NetworkArrays& network : networks()) {
    Generation generation(backend(), network, {});
    Generation by_hand(backend(), network, {});
    generation.run(kSteps);
    EXPECT_EQ(generation.drawn().values, generate_by_hand(by_hand).values)
        << "head " << static_cast<int>(network.head);
  }
}

TEST_P(Generate, ContinuesWhereTheLastCallEnded) {
  for (const test::NetworkArrays& network : networks()) {
    Generation::Options options;
    if (network.head == Head::softmax) {
      options.window = 4;
      options.params = {{.repetition_penalty = 1.5, .presence_penalty = 0.5}};
    }
    Generation whole(backend(), network, options);
    Generation parts(backend(), network, options);
    whole.run(kSteps);
    parts.run(5);
    std::vector<double> values = parts.drawn().values;
    parts.run(kSteps - 5);
    const HostArray rest = parts.drawn();
    values.insert(values.end(), rest.values.begin(), rest.values.end());
    EXPECT_EQ(whole.drawn().values, values) << "head " << static_cast<int>(network.head);
  }
}

TEST_P(Generate, RowsDoNotDependOnTheBatch) {
  for (const test::NetworkArrays& network : networks()) {
    std::vector<SamplingParams> params = {{}, {.temperature = 0.7}, {.temperature = 1.4}};
    if (network.head == Head::softmax) {
      params = {{}, {.temperature = 0.0}, {.top_k = 5}, {.temperature = 1.2, .top_p = 0.8}};
    }
    Generation together(backend(), network, {.batch = 256, .params = params});
    together.run(kSteps);
    for (const std::int64_t row : {0, 1, 6, 131, 255}) {
      Generation alone(backend(), network, {.batch = 1, .first = row, .params = params});
      alone.run(kSteps);
      EXPECT_EQ(test::rows_of(together.drawn(), row, 1, 1).values, alone.drawn().values)
          << "row " << row << ", head " << static_cast<int>(network.head);
      EXPECT_EQ(test::rows_of(together.log_probability(), row, 1, 1).values,
                alone.log_probability().values);
    }
  }
}

TEST_P(Generate, DrawsNothingAfterTheEndToken) {
  const std::int64_t batch = 8;
  const HostArray free = tokens_of({.batch = batch});
  const double end = free.values[3 * batch + 2];  // step 3 of row 2
  HostArray expected = free;
  int ended = 0;
  for (std::int64_t b = 0; b < batch; ++b) {
    bool finished = false;
    for (std::int64_t t = 0; t < kSteps; ++t) {
      double& token = expected.values[static_cast<std::size_t>(t * batch + b)];
      if (finished) token = -1.0;
      finished = finished || token == end;
    }
    ended += finished ? 1 : 0;
  }
  Generation generation(backend(), token_network(),
                        {.batch = batch,
                         .end_token = static_cast<std::int32_t>(end),
                         .finished = std::vector<double>(batch, 0.0)});
  generation.run(kSteps);
  EXPECT_EQ(generation.drawn().values, expected.values);
  const HostArray finished = generation.device().get(generation.args().finished);
  EXPECT_EQ(std::count(finished.values.begin(), finished.values.end(), 1.0), ended);
}

TEST_P(Generate, LeavesFinishedRowsAlone) {
  const HostArray free = tokens_of({.batch = 3});
  Generation generation(backend(), token_network(),
                        {.batch = 3, .window = 2, .finished = {0.0, 1.0, 0.0}});
  generation.run(kSteps);
  const HostArray drawn = generation.drawn();
  const HostArray log_probability = generation.log_probability();
  for (std::int64_t t = 0; t < kSteps; ++t) {
    const auto at = static_cast<std::size_t>(3 * t);
    EXPECT_EQ(drawn.values[at], free.values[at]);
    EXPECT_EQ(drawn.values[at + 1], -1.0);
    EXPECT_EQ(log_probability.values[at + 1], 0.0);
    EXPECT_EQ(drawn.values[at + 2], free.values[at + 2]);
  }
  const HostArray window = generation.device().get(generation.args().window);
  EXPECT_EQ(test::rows_of(window, 1, 1).values, (std::vector<double>{-1.0, -1.0}));
}

TEST_P(Generate, KeepsTheLastTokensInTheWindowOldestFirst) {
  constexpr std::int64_t kWindow = 5;
  Generation generation(backend(), token_network(), {.batch = 2, .window = kWindow});
  generation.run(kSteps);
  const HostArray drawn = generation.drawn();
  const HostArray window = generation.device().get(generation.args().window);
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t w = 0; w < kWindow; ++w) {
      EXPECT_EQ(window.values[static_cast<std::size_t>(b * kWindow + w)],
                drawn.values[static_cast<std::size_t>((kSteps - kWindow + w) * 2 + b)]);
    }
  }
}

TEST_P(Generate, PenaltiesSeeTheWindow) {
  constexpr std::int64_t kFew = 12;  // fewer than there are tokens
  Generation generation(backend(), token_network(),
                        {.batch = 1, .params = {{.presence_penalty = 1e4}}, .window = kFew});
  generation.run(kFew);
  const HostArray drawn = generation.drawn();
  EXPECT_EQ(std::set<double>(drawn.values.begin(), drawn.values.end()).size(),
            static_cast<std::size_t>(kFew));
}

TEST_P(Generate, DrawsOnlyAllowedTokens) {
  Generation generation(backend(), token_network(), {.batch = 4});
  generation.args().allowed = generation.device().put({{4, 1}, DType::i32, {0x6, 0x6, 0x6, 0x18}});
  generation.run(kSteps);
  const HostArray drawn = generation.drawn();
  for (std::size_t i = 0; i < drawn.values.size(); ++i) {
    const double low = i % 4 == 3 ? 3.0 : 1.0;
    EXPECT_TRUE(drawn.values[i] == low || drawn.values[i] == low + 1.0) << "element " << i;
  }
}

TEST_P(Generate, HasAPlanForPeopleToRead) {
  Device device(backend(), DType::f32);
  const test::NetworkArrays arrays = token_network();
  const GenerationPlan plan = backend().plan_generation(test::put_network(device, arrays), 8);
  EXPECT_FALSE(plan.kernel.empty());
  EXPECT_FALSE(plan.reason.empty());
}

/// In true f32 the cpu backend and those on a GPU sum and evaluate in one and the same way, so that
/// whole songs are the same; the reference sums in double and leaves them sooner or later.
TEST_P(Generate, GivesTheSongsOfTheCpuBackend) {
  if (GetParam().backend == "reference") GTEST_SKIP() << "the reference sums in double";
  const auto cpu = make_backend("cpu", {.threads = 1});
  for (const test::NetworkArrays& network : networks()) {
    const Generation::Options options = {.batch = 5, .params = {{}, {.temperature = 0.7}}};
    Generation expected(*cpu, network, options);
    Generation got(backend(), network, options);
    expected.run(2 * kSteps);
    got.run(2 * kSteps);
    EXPECT_EQ(expected.drawn().values, got.drawn().values)
        << info_of(network.cell).name << ", head " << static_cast<int>(network.head) << " on "
        << GetParam();
  }
}

/// How much better the best of a row's tokens is for a draw than `token`, by its logits.
float lead_over(std::span<const double> logits, const draw::NoiseKey& noise, double token) {
  const auto score = [&](std::size_t v) {
    return static_cast<float>(logits[v]) + draw::token_noise(noise, static_cast<std::uint32_t>(v));
  };
  float best = score(0);
  for (std::size_t v = 1; v < logits.size(); ++v) best = std::max(best, score(v));
  return best - score(static_cast<std::size_t>(token));
}

/// The reference follows songs of the cpu backend token by token and draws each once more.
void expect_songs_of_the_reference(Precision precision) {
  constexpr std::int64_t kLong = test::kSanitized ? 50 : 1000;
  constexpr std::int64_t kBatch = 16;
  constexpr float kTie = 1e-4F;  // of scores about 10
  const auto cpu = make_backend("cpu", {.threads = 1, .precision = precision});
  const auto reference = make_backend("reference");
  int exceptions = 0;
  for (const CellInfo& cell : cells()) {
    test::NetworkArrays network = test::make_network(Head::softmax, cell.kind, true, 29);
    for (const char* name : {"w_hh0", "w_hh1"}) {  // a network that forgets how it was rounded
      for (double& weight : network.arrays.at(name).values) weight *= 0.3;
    }
    Generation sung(*cpu, network, {.batch = kBatch});
    sung.run(kLong);
    const HostArray song = sung.drawn();
    Generation followed(*reference, network, {.batch = kBatch});
    HostArray steps = followed.device().get(followed.args().rows.steps);
    TensorView input = followed.args().input;
    for (std::int64_t t = 0; t < kLong; ++t) {
      Device device(*reference, DType::f32);
      const HostArray logits = device.get(step_by_hand(device, followed.args(), input).logits);
      DrawRows rows = followed.args().rows;
      rows.steps = device.put(steps);
      const TensorView tokens = device.allocate({kBatch}, DType::i32);
      reference->sample_tokens({.logits = device.put(logits), .rows = rows, .tokens = tokens});
      const HostArray drawn = device.get(tokens);
      const HostArray expected = test::rows_of(song, t, 1);
      for (std::size_t b = 0; b < drawn.values.size(); ++b) {
        if (drawn.values[b] == expected.values[b]) continue;
        ++exceptions;
        const auto width = static_cast<std::size_t>(network.width);
        const float lead = lead_over(
            std::span(logits.values).subspan(b * width, width),
            {rows.seed, 1000 + b, static_cast<std::uint32_t>(steps.values[b])}, expected.values[b]);
        EXPECT_LT(lead, kTie) << name_of(precision) << ", " << cell.name << ", step " << t
                              << ", row " << b;
      }
      for (double& step : steps.values) ++step;
      followed.device().backend().copy(device.put({{kBatch}, DType::i32, expected.values}),
                                       followed.args().input);
      input = followed.args().input;
    }
  }
  std::cout << exceptions << " of " << kLong * kBatch * std::ssize(cells()) << " tokens in "
            << name_of(precision) << " are not those of the reference: ties\n";
}

TEST(CpuSongs, LeaveTheReferenceOnlyWhereTheDrawIsATie) {
  expect_songs_of_the_reference(Precision::fp32);
}

TEST(CpuSongs, InInt24LeaveItOnlyThereToo) { expect_songs_of_the_reference(Precision::int24); }

INSTANTIATE_TEST_SUITE_P(Backends, Generate, testing::ValuesIn(test::every_backend()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
