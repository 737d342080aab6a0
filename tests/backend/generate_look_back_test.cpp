// SPDX-License-Identifier: Apache-2.0
// Generation with networks that look back: composed of the other operations on every backend.
#include <gtest/gtest.h>

#include <map>

#include "backend/bad_call.h"
#include "backend/generation_fixture.h"

namespace cadenza {
namespace {

using test::Device;
using test::Generation;
using test::HostArray;
using test::NetworkArrays;

constexpr std::int64_t kSteps = 29;  // more than the memory and the history hold

std::vector<NetworkArrays> networks() {
  std::vector<NetworkArrays> all = {test::make_network_that_looks_back(CellKind::lstm),
                                    test::make_network_that_looks_back(CellKind::gru)};
  return all;
}

/// The network by hand, with everything that was ever read and put out, by the number of its step.
class ByHand {
 public:
  explicit ByHand(Generation& generation)
      : device_(generation.device()), args_(generation.args()), network_(*args_.network) {
    const std::int64_t position = args_.position;
    const std::int64_t slots = args_.memory.shape[0];
    for (std::int64_t n = position - slots; n < position; ++n) {
      outputs_[n] = device_.get(args_.memory.at((n + slots) % slots));
    }
    const std::int64_t known = args_.history.shape[0];
    for (std::int64_t n = position - known; n < position; ++n) {
      tokens_[n] = device_.get(args_.history.at((n + known) % known));
    }
  }

  /// Draws `steps` tokens of each row.
  std::vector<double> run(std::int64_t steps) {
    std::vector<double> all;
    HostArray numbers = device_.get(args_.rows.steps);
    HostArray input = device_.get(args_.input);
    for (std::int64_t n = args_.position; n < args_.position + steps; ++n) {
      DrawRows rows = args_.rows;
      rows.steps = device_.put(numbers);
      for (double& number : numbers.values) ++number;
      const TensorView drawn = device_.allocate({batch()}, DType::i32);
      device_.backend().sample_tokens({.logits = logits(n, input), .rows = rows, .tokens = drawn});
      input = tokens_[n] = device_.get(drawn);
      all.insert(all.end(), input.values.begin(), input.values.end());
    }
    return all;
  }

 private:
  std::int64_t batch() const { return args_.input.shape[0]; }

  /// x side by side with `more`, both [B, ..].
  HostArray beside(const HostArray& x, const HostArray& more) const {
    HostArray both{{batch(), x.shape[1] + more.shape[1]}, DType::f64, {}};
    for (std::int64_t b = 0; b < batch(); ++b) {
      for (const HostArray* part : {&x, &more}) {
        const auto begin = part->values.begin() + b * part->shape[1];
        both.values.insert(both.values.end(), begin, begin + part->shape[1]);
      }
    }
    return both;
  }

  HostArray embed(const HostArray& ids) {
    const TensorView y = device_.garbage({batch(), NetworkArrays::kEmbedding});
    device_.backend().embedding({.ids = device_.put(ids), .table = network_.embedding, .y = y});
    return device_.get(y);
  }

  TensorView dense(const TensorView& x, const DenseWeights& weights) {
    const TensorView y = device_.garbage({batch(), weights.weight.shape[0]});
    device_.backend().matmul({.a = x,
                              .b = weights.weight,
                              .c = y,
                              .transpose_b = Transpose::yes,
                              .bias = weights.bias,
                              .order = SumOrder::fixed});
    device_.backend().activation({.kind = weights.activation, .x = y, .y = y});
    return y;
  }

  HostArray input_of(std::int64_t n, const HostArray& before) {
    HostArray x = embed(before);
    for (const std::int64_t distance : network_.lookback) {
      x = beside(x, embed(tokens_.at(n - distance)));
    }
    HostArray numbers{
        {batch(), std::ssize(network_.lookback) + network_.position_bits}, DType::f64, {}};
    for (std::size_t b = 0; b < static_cast<std::size_t>(batch()); ++b) {
      const double last = tokens_.at(n - 1).values[b];
      for (const std::int64_t distance : network_.lookback) {
        const bool again = last >= 0 && tokens_.at(n - 1 - distance).values[b] == last;
        numbers.values.push_back(again ? 1.0 : 0.0);
      }
      for (int bit = 0; bit < network_.position_bits; ++bit) {
        numbers.values.push_back((n >> bit) % 2 == 1 ? 1.0 : -1.0);
      }
    }
    return beside(x, numbers);
  }

  TensorView attend(std::int64_t n, const TensorView& h) {
    constexpr std::int64_t kHidden = NetworkArrays::kHidden;
    const std::int64_t slots = args_.memory.shape[0];
    HostArray memory{{slots, batch(), kHidden}, DType::f64, {}};
    for (std::int64_t m = n - slots; m < n; ++m) {
      const std::vector<double>& output = outputs_.at(m).values;
      memory.values.insert(memory.values.end(), output.begin(), output.end());
    }
    const TensorView keys = device_.put(memory);
    const TensorView context = device_.garbage({1, batch(), kHidden});
    device_.backend().attention(
        {.queries = dense(h, {.weight = network_.attention.query}).reshaped(context.shape),
         .keys = keys,
         .values = keys,
         .context = context,
         .weights = device_.garbage({1, batch(), slots})});
    HostArray looked = device_.get(context);
    looked.shape = h.shape;
    return dense(device_.put(beside(looked, device_.get(h))), network_.attention.output);
  }

  TensorView logits(std::int64_t n, const HostArray& before) {
    TensorView x = device_.put(input_of(n, before));
    for (std::size_t l = 0; l < network_.layers.size(); ++l) {
      device_.backend().recurrent_step(
          {network_.cell, x.shape[1], NetworkArrays::kHidden},
          {.x = x, .state = args_.states[l], .weights = network_.layers[l]});
      x = args_.states[l].at(0);
      if (l > 0) continue;
      const TensorView attended = attend(n, x);
      outputs_[n] = device_.get(x);
      x = attended;
    }
    return dense(dense(x, network_.dense[0]), network_.dense[1]);
  }

  Device& device_;
  GenerateArgs& args_;
  const GenerationNetwork& network_;
  std::map<std::int64_t, HostArray> outputs_;  // [B, H] of the first layer
  std::map<std::int64_t, HostArray> tokens_;   // [B]
};

class GenerateLookingBack : public test::ContractTest {};

TEST_P(GenerateLookingBack, EqualsTheOperationsOneAfterTheOther) {
  for (const NetworkArrays& network : networks()) {
    Generation generation(backend(), network, {});
    Generation by_hand(backend(), network, {});
    generation.run(kSteps);
    EXPECT_EQ(generation.drawn().values, ByHand(by_hand).run(kSteps)) << info_of(network.cell).name;
  }
}

TEST_P(GenerateLookingBack, ContinuesWhereTheLastCallEnded) {
  for (const NetworkArrays& network : networks()) {
    Generation whole(backend(), network, {});
    Generation parts(backend(), network, {});
    whole.run(kSteps);
    parts.run(9);
    std::vector<double> values = parts.drawn().values;
    parts.run(kSteps - 9);
    const HostArray rest = parts.drawn();
    values.insert(values.end(), rest.values.begin(), rest.values.end());
    EXPECT_EQ(whole.drawn().values, values) << info_of(network.cell).name;
  }
}

TEST_P(GenerateLookingBack, RowsDoNotDependOnTheBatch) {
  for (const NetworkArrays& network : networks()) {
    Generation together(backend(), network, {.batch = 33});
    together.run(kSteps);
    for (const std::int64_t row : {0, 5, 32}) {
      Generation alone(backend(), network, {.batch = 1, .first = row});
      alone.run(kSteps);
      EXPECT_EQ(test::rows_of(together.drawn(), row, 1, 1).values, alone.drawn().values)
          << "row " << row << ", " << info_of(network.cell).name;
      EXPECT_EQ(test::rows_of(together.log_probability(), row, 1, 1).values,
                alone.log_probability().values);
    }
  }
}

TEST_P(GenerateLookingBack, RefusesWhatDoesNotFit) {
  const NetworkArrays arrays = networks().front();
  const auto expect = [&](const char* error, auto change) {
    test::expect_error<ArgumentError>(
        [&] {
          Generation generation(backend(), arrays, {});
          GenerationNetwork network = *generation.args().network;
          change(network, generation.args(), generation.device());
          generation.args().network = &network;
          generation.run(1);
        },
        error);
  };
  using Network = GenerationNetwork;
  expect("generate: network.lookback has 2 after 2, expected ascending distances from 1",
         [](Network& n, GenerateArgs&, Device&) {
           n.lookback = {2, 2};
         });
  expect("network.position_bits is 63, expected in [0, 62]",
         [](Network& n, GenerateArgs&, Device&) { n.position_bits = 63; });
  expect("the embedding is absent", [](Network& n, GenerateArgs&, Device&) { n.embedding = {}; });
  expect("network.attention.query has shape [33, 32], expected [H=33, H=33]",
         [](Network& n, GenerateArgs&, Device& device) {
           n.attention.query = test::real(device, {33, 32});
         });
  expect("network.attention.output has shape [32, 66], expected [H=33, 2H]",
         [](Network& n, GenerateArgs&, Device& device) {
           n.attention.output = {.weight = test::real(device, {32, 66})};
         });
  expect("memory has shape [7, 3, 32], expected [M, B=3, H=33]",
         [](Network&, GenerateArgs& args, Device& device) {
           args.memory = test::real(device, {7, 3, 32});
         });
  expect("history has shape [11, 3], expected [slots=12, B=3]",
         [](Network&, GenerateArgs& args, Device& device) {
           args.history = test::ints(device, {11, 3});
         });
  expect("position is -1, expected at least 0",
         [](Network&, GenerateArgs& args, Device&) { args.position = -1; });
  expect("memory has shape [7, 3, 33], expected absent: the network has no attention",
         [](Network& n, GenerateArgs&, Device&) { n.attention = {}; });
}

INSTANTIATE_TEST_SUITE_P(Backends, GenerateLookingBack, testing::ValuesIn(test::every_backend()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
