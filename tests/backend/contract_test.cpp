// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>

#include "backend/bad_call.h"
#include "backend/generation_fixture.h"
#include "support/backend_param.h"
#include "support/expect_error.h"

// Every operation says which argument is wrong, what was expected and what it got.

namespace cadenza {
namespace {

using test::Device;

using test::BadCall;
using test::ints;
using test::real;

const std::vector<BadCall>& dense_calls() {
  static const std::vector<BadCall> kCalls = {
      {"upload: from has 3 bytes, expected 8 for f32 [2]",
       [](Backend& b, Device& d) { b.upload(std::vector<std::byte>(3), real(d, {2})); }},
      {"download: to has 9 bytes, expected 8 for f32 [2]",
       [](Backend& b, Device& d) {
         std::vector<std::byte> to(9);
         b.download(real(d, {2}), to);
       }},
      {"copy: to has shape [3], expected [2]",
       [](Backend& b, Device& d) { b.copy(real(d, {2}), real(d, {3})); }},
      {"fill: to has dtype u8",
       [](Backend& b, Device& d) { b.fill(d.allocate({2}, DType::u8), 1.0); }},
      {"fill: to is absent", [](Backend& b, Device&) { b.fill({}, 1.0); }},
      {"matmul: b has shape [4, 5], expected [K=3, N=5]",
       [](Backend& b, Device& d) {
         b.matmul({.a = real(d, {2, 3}), .b = real(d, {4, 5}), .c = real(d, {2, 5})});
       }},
      {"matmul: c has shape [5, 2], expected [M=2, N=5]",
       [](Backend& b, Device& d) {
         b.matmul({.a = real(d, {2, 3}), .b = real(d, {3, 5}), .c = real(d, {5, 2})});
       }},
      {"matmul: a has shape [6], expected [M, K]",
       [](Backend& b, Device& d) {
         b.matmul({.a = real(d, {6}), .b = real(d, {3, 5}), .c = real(d, {2, 5})});
       }},
      {"matmul: c overlaps a",
       [](Backend& b, Device& d) {
         const TensorView a = real(d, {3, 3});
         b.matmul({.a = a, .b = real(d, {3, 3}), .c = a});
       }},
      {"matmul: bias has dtype i32, expected f32",
       [](Backend& b, Device& d) {
         b.matmul({.a = real(d, {2, 3}),
                   .b = real(d, {3, 5}),
                   .c = real(d, {2, 5}),
                   .bias = ints(d, {5})});
       }},
      {"add: y has shape [4], expected [2, 2]",
       [](Backend& b, Device& d) {
         b.add(real(d, {2, 2}), real(d, {4}));
       }},
      {"add_column_sums: y has shape [2], expected [N=3]",
       [](Backend& b, Device& d) {
         b.add_column_sums(real(d, {2, 3}), real(d, {2}));
       }},
      {"scale_rows: factors has shape [3], expected [N=2]",
       [](Backend& b, Device& d) {
         b.scale_rows(real(d, {2, 3}), real(d, {3}));
       }},
      {"copy_columns: columns [2, 2 + 3) of x, expected inside [0, 4)",
       [](Backend& b, Device& d) {
         b.copy_columns({.x = real(d, {2, 4}), .y = real(d, {2, 8}), .x_begin = 2, .count = 3});
       }},
      {"activation: y overlaps part of x",
       [](Backend& b, Device& d) {
         const TensorView x = real(d, {5});
         b.activation({.x = x.slice(0, 4), .y = x.slice(1, 4)});
       }},
      {"activation_backward: dx is absent",
       [](Backend& b, Device& d) {
         b.activation_backward({.y = real(d, {2}), .dy = real(d, {2}), .dx = {}});
       }},
      {"dropout: rate is 1, expected in [0, 1)",
       [](Backend& b, Device& d) {
         b.dropout({.x = real(d, {2}), .y = real(d, {2}), .rate = 1.0});
       }},
      {"embedding: ids has dtype f32, expected i32",
       [](Backend& b, Device& d) {
         b.embedding({.ids = real(d, {2}), .table = real(d, {3, 4}), .y = real(d, {2, 4})});
       }},
      {"embedding_backward: dy has shape [2, 5], expected [N=2, E=4]",
       [](Backend& b, Device& d) {
         b.embedding_backward(
             {.ids = ints(d, {2}), .dy = real(d, {2, 5}), .d_table = real(d, {3, 4})});
       }},
      {"squared_norm: out has dtype f32, expected f64",
       [](Backend& b, Device& d) { b.squared_norm(real(d, {2}), real(d, {1})); }},
  };
  return kCalls;
}

UpdateArgs adam(Device& d) {
  return {.kind = OptimizerKind::adam,
          .parameters = real(d, {4}),
          .gradients = real(d, {4}),
          .first_moment = real(d, {4}),
          .second_moment = real(d, {4})};
}

const std::vector<BadCall>& training_calls() {
  static const std::vector<BadCall> kCalls = {
      {"softmax_loss: targets has shape [3], expected [N=2]",
       [](Backend& b, Device& d) {
         b.softmax_loss(
             {.logits = real(d, {2, 5}), .targets = ints(d, {3}), .row_loss = real(d, {2})});
       }},
      {"softmax_loss: row_loss is absent, expected [N=2]",
       [](Backend& b, Device& d) {
         b.softmax_loss({.logits = real(d, {2, 5}), .targets = ints(d, {2}), .row_loss = {}});
       }},
      {"bernoulli_loss: targets has shape [2, 4], expected [N=2, D=5]",
       [](Backend& b, Device& d) {
         b.bernoulli_loss(
             {.logits = real(d, {2, 5}), .targets = real(d, {2, 4}), .row_loss = real(d, {2})});
       }},
      {"squared_loss: weights has shape [5], expected [N=2]",
       [](Backend& b, Device& d) {
         b.squared_loss({.predictions = real(d, {2, 5}),
                         .targets = real(d, {2, 5}),
                         .weights = real(d, {5}),
                         .row_loss = real(d, {2})});
       }},
      {"squared_loss: scale is nan, expected a finite number",
       [](Backend& b, Device& d) {
         b.squared_loss({.predictions = real(d, {2, 5}),
                         .targets = real(d, {2, 5}),
                         .row_loss = real(d, {2}),
                         .scale = std::nan("")});
       }},
      {"nade_loss: d_w has shape [5, 3], expected absent: d_visible_bias is absent",
       [](Backend& b, Device& d) {
         b.nade_loss({.targets = real(d, {2, 5}),
                      .visible_bias = real(d, {2, 5}),
                      .hidden_bias = real(d, {2, 3}),
                      .w = real(d, {5, 3}),
                      .u = real(d, {5, 3}),
                      .row_loss = real(d, {2}),
                      .d_w = real(d, {5, 3})});
       }},
      {"update: second_moment is absent, expected [P=4]",
       [](Backend& b, Device& d) {
         UpdateArgs args = adam(d);
         args.second_moment = {};
         b.update(args);
       }},
      {"update: first_moment has shape [4], expected absent",
       [](Backend& b, Device& d) {
         UpdateArgs args = adam(d);
         args.kind = OptimizerKind::rmsprop;
         b.update(args);
       }},
      {"update: squared_norm is absent, expected [1]",
       [](Backend& b, Device& d) {
         UpdateArgs args = adam(d);
         args.clip_norm = 1.0;
         b.update(args);
       }},
      {"update: step is 0, expected >= 1",
       [](Backend& b, Device& d) {
         UpdateArgs args = adam(d);
         args.step = 0;
         b.update(args);
       }},
      {"update: learning_rate is inf, expected a finite number",
       [](Backend& b, Device& d) {
         UpdateArgs args = adam(d);
         args.learning_rate = HUGE_VAL;
         b.update(args);
       }},
  };
  return kCalls;
}

const std::vector<BadCall>& drawing_calls() {
  static const std::vector<BadCall> kCalls = {
      {"sample_tokens: allowed has shape [2, 1], expected [B=2, ceil(V/32)=2]",
       [](Backend& b, Device& d) {
         b.sample_tokens({.logits = real(d, {2, 33}),
                          .allowed = ints(d, {2, 1}),
                          .rows = test::make_rows(d, {{}}, 2),
                          .tokens = ints(d, {2})});
       }},
      {"sample_tokens: rows.steps has shape [3], expected [B=2]",
       [](Backend& b, Device& d) {
         DrawRows rows = test::make_rows(d, {{}}, 2);
         rows.steps = ints(d, {3});
         b.sample_tokens({.logits = real(d, {2, 33}), .rows = rows, .tokens = ints(d, {2})});
       }},
      {"sample_keys: rows.params has shape [3, 48], expected [B=2, sizeof(RowSampling)=48]",
       [](Backend& b, Device& d) {
         b.sample_keys({.logits = real(d, {2, 5}),
                        .rows = test::make_rows(d, {{}}, 3),
                        .keys = real(d, {2, 5})});
       }},
      {"sample_nade: hidden_bias has shape [2, 4], expected [B=2, K=3]",
       [](Backend& b, Device& d) {
         b.sample_nade({.visible_bias = real(d, {2, 5}),
                        .hidden_bias = real(d, {2, 4}),
                        .w = real(d, {5, 3}),
                        .u = real(d, {5, 3}),
                        .rows = test::make_rows(d, {{}}, 2),
                        .keys = real(d, {2, 5})});
       }},
      {"generate: network is absent", [](Backend& b, Device&) { b.generate(GenerateArgs{}); }},
      {"plan_generation: network.layers is empty",
       [](Backend& b, Device&) {
         GenerationNetwork network;
         network.width = 3;
         b.plan_generation(network, 1);
       }},
  };
  return kCalls;
}

using Contract = test::ContractTest;

TEST_P(Contract, RefusesBadDenseCalls) { expect_refusals(dense_calls()); }
TEST_P(Contract, RefusesBadTrainingCalls) { expect_refusals(training_calls()); }
TEST_P(Contract, RefusesBadDraws) { expect_refusals(drawing_calls()); }

TEST_P(Contract, RefusesGenerationThatDoesNotFitTheNetwork) {
  const auto tokens =
      test::make_network(GenerationNetwork::Head::softmax, CellKind::lstm, false, 29);
  const auto expect = [&](const char* error, const std::function<void(GenerateArgs&)>& spoil) {
    test::Generation generation(backend(), tokens, {.batch = 2});
    spoil(generation.args());
    test::expect_error<ArgumentError>([&] { generation.run(3); }, error);
  };
  Device device(backend(), DType::f32);
  expect("generate: states has 1 entries, expected one for each of 2 layers",
         [](GenerateArgs& args) { args.states.pop_back(); });
  expect("generate: input has shape [3], expected [B=2]",
         [&](GenerateArgs& args) { args.input = ints(device, {3}); });
  expect("generate: end_token is 29, expected in [-1, V=29)",
         [](GenerateArgs& args) { args.end_token = 29; });
  expect("generate: frames has shape [3, 2, 29], expected absent", [&](GenerateArgs& args) {
    args.frames = real(device, {3, 2, 29});
  });
}

TEST_P(Contract, ComputesOnlyInTheTypesItSupports) {
  Device device(backend(), DType::f64);
  const auto add = [&] { backend().add(real(device, {2}), real(device, {2})); };
  if (backend().supports(DType::f64)) {
    EXPECT_NO_THROW(add());
  } else {
    test::expect_error<ArgumentError>(add, "add: x has dtype f64, expected f32");
  }
}

TEST_P(Contract, AcceptsEmptyBatches) {
  Device device(backend(), DType::f32);
  const RecurrentSpec spec{CellKind::lstm, 3, 4};
  backend().recurrent_forward(spec, {.x = real(device, {5, 0, 3}),
                                     .weights = {real(device, {16, 3}), real(device, {16, 4}),
                                                 real(device, {16}), real(device, {16})},
                                     .y = real(device, {5, 0, 4})});
  backend().softmax_loss({.logits = real(device, {0, 5}),
                          .targets = ints(device, {0}),
                          .row_loss = real(device, {0})});
  backend().add(real(device, {0}), real(device, {0}));
}

INSTANTIATE_TEST_SUITE_P(Backends, Contract, testing::ValuesIn(test::every_backend()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
