// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "cadenza/random.h"
#include "support/backend_param.h"
#include "support/compare.h"
#include "support/expect_error.h"

// Leg 1 of the numerics: values known without a computation of the same kind. In double on the
// reference, against which the other backends are measured.

namespace cadenza {
namespace {

using test::Device;
using test::HostArray;

class Reference : public testing::Test {
 protected:
  Reference() : backend_(make_backend("reference")), device_(*backend_, DType::f64) {}

  TensorView array(const Shape& shape, std::vector<double> values) {
    return device_.put({shape, DType::f64, std::move(values)});
  }
  TensorView ids(std::vector<double> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return device_.put({{count}, DType::i32, std::move(values)});
  }
  RecurrentWeights weights(const RecurrentSpec& spec, std::uint64_t seed) {
    test::RandomArrays random(seed);
    const std::int64_t rows = info_of(spec.cell).gates * spec.hidden;
    return {device_.put(random.real({rows, spec.input})),
            device_.put(random.real({rows, spec.hidden})), device_.put(random.real({rows})),
            device_.put(random.real({rows}))};
  }
  std::vector<double> values(const TensorView& view) { return device_.get(view).values; }

  std::unique_ptr<Backend> backend_;
  Device device_;
};

using Matmul = Reference;

TEST_F(Matmul, EqualsTheTripleLoop) {
  test::RandomArrays random(1);
  const HostArray a = random.real({3, 5});
  const HostArray b = random.real({5, 4});
  const TensorView c = device_.garbage({3, 4});
  backend_->matmul({.a = device_.put(a), .b = device_.put(b), .c = c});
  HostArray expected = test::filled({3, 4}, 0.0);
  for (std::size_t m = 0; m < 3; ++m) {
    for (std::size_t n = 0; n < 4; ++n) {
      for (std::size_t k = 0; k < 5; ++k) {
        expected.values[m * 4 + n] += a.values[m * 5 + k] * b.values[k * 4 + n];
      }
    }
  }
  EXPECT_TRUE(
      test::close({"matmul", "reference", DType::f64, 1}, "c", expected, device_.get(c), 1e-15));
}

TEST_F(Matmul, TransposesItsFactors) {
  const TensorView a = array({2, 3}, {1, 2, 3, 4, 5, 6});
  const TensorView b = array({2, 2}, {10, 20, 30, 40});
  const TensorView c = device_.garbage({3, 2});
  backend_->matmul({.a = a, .b = b, .c = c, .transpose_a = Transpose::yes});
  EXPECT_EQ(values(c), (std::vector<double>{130, 180, 170, 240, 210, 300}));
  backend_->matmul(
      {.a = a, .b = b, .c = c, .transpose_a = Transpose::yes, .transpose_b = Transpose::yes});
  EXPECT_EQ(values(c), (std::vector<double>{90, 190, 120, 260, 150, 330}));
}

using SoftmaxLoss = Reference;

TEST_F(SoftmaxLoss, OfEqualLogitsIsTheLogarithmOfTheirNumber) {
  const TensorView row_loss = device_.garbage({2});
  backend_->softmax_loss({.logits = array({2, 5}, std::vector<double>(10, 3.0)),
                          .targets = ids({0, 4}),
                          .row_loss = row_loss});
  for (const double loss : values(row_loss)) EXPECT_NEAR(loss, std::log(5.0), 1e-15);
}

TEST_F(SoftmaxLoss, SkipsRowsWithoutATarget) {
  const TensorView row_loss = device_.garbage({1});
  const TensorView d_logits = device_.garbage({1, 3});
  backend_->softmax_loss({.logits = array({1, 3}, {1, 2, 3}),
                          .targets = ids({-1}),
                          .row_loss = row_loss,
                          .d_logits = d_logits});
  EXPECT_EQ(values(row_loss), std::vector<double>{0.0});
  EXPECT_EQ(values(d_logits), std::vector<double>(3, 0.0));
}

TEST_F(SoftmaxLoss, StandsLogitsThatOverflowAnExponential) {
  const TensorView row_loss = device_.garbage({2});
  backend_->softmax_loss({.logits = array({2, 2}, {10000, 9000, -10000, -9000}),
                          .targets = ids({1, 1}),
                          .row_loss = row_loss});
  EXPECT_EQ(values(row_loss), (std::vector<double>{1000.0, 0.0}));
}

using BernoulliLoss = Reference;

TEST_F(BernoulliLoss, OfZeroLogitsIsOneBitAKey) {
  const TensorView row_loss = device_.garbage({1});
  backend_->bernoulli_loss({.logits = array({1, 4}, {0, 0, 0, 0}),
                            .targets = array({1, 4}, {0, 1, 1, 0}),
                            .row_loss = row_loss});
  EXPECT_NEAR(values(row_loss)[0], 4.0 * std::log(2.0), 1e-15);
}

TEST_F(BernoulliLoss, StandsLargeLogits) {
  const TensorView row_loss = device_.garbage({2});
  backend_->bernoulli_loss({.logits = array({2, 2}, {5000, -5000, 5000, -5000}),
                            .targets = array({2, 2}, {1, 0, 0, 1}),
                            .row_loss = row_loss});
  EXPECT_EQ(values(row_loss), (std::vector<double>{0.0, 10000.0}));
}

using SquaredLoss = Reference;

TEST_F(SquaredLoss, SumsSquares) {
  const TensorView row_loss = device_.garbage({1});
  const TensorView gradient = device_.garbage({1, 2});
  backend_->squared_loss({.predictions = array({1, 2}, {1, 5}),
                          .targets = array({1, 2}, {3, 4}),
                          .weights = array({1}, {2}),
                          .row_loss = row_loss,
                          .d_predictions = gradient,
                          .scale = 0.5});
  EXPECT_EQ(values(row_loss), std::vector<double>{10.0});
  EXPECT_EQ(values(gradient), (std::vector<double>{-4.0, 2.0}));
}

using NadeLoss = Reference;

TEST_F(NadeLoss, IsADistributionOverFrames) {
  constexpr std::int64_t kKeys = 5;
  constexpr std::int64_t kUnits = 3;
  constexpr std::int64_t kFrames = 1 << kKeys;
  test::RandomArrays random(17);
  HostArray targets = test::filled({kFrames, kKeys}, 0.0);
  for (std::size_t n = 0; n < kFrames; ++n) {
    for (std::size_t i = 0; i < kKeys; ++i) {
      targets.values[n * kKeys + i] = static_cast<double>(n >> i & 1);
    }
  }
  const HostArray visible = random.real({kKeys});
  const HostArray hidden = random.real({kUnits});
  HostArray visible_rows{{kFrames, kKeys}, DType::f64, {}};
  HostArray hidden_rows{{kFrames, kUnits}, DType::f64, {}};
  for (int n = 0; n < kFrames; ++n) {
    visible_rows.values.insert(visible_rows.values.end(), visible.values.begin(),
                               visible.values.end());
    hidden_rows.values.insert(hidden_rows.values.end(), hidden.values.begin(), hidden.values.end());
  }
  const TensorView row_loss = device_.garbage({kFrames});
  backend_->nade_loss({.targets = device_.put(targets),
                       .visible_bias = device_.put(visible_rows),
                       .hidden_bias = device_.put(hidden_rows),
                       .w = device_.put(random.real({kKeys, kUnits}, -2, 2)),
                       .u = device_.put(random.real({kKeys, kUnits}, -2, 2)),
                       .row_loss = row_loss});
  double total = 0.0;
  for (const double loss : values(row_loss)) total += std::exp(-loss);
  EXPECT_NEAR(total, 1.0, 1e-14);
}

using RecurrentForward = Reference;

TEST_F(RecurrentForward, IdsEqualTheDenseOneHotProduct) {
  for (const CellInfo& cell : cells()) {
    const RecurrentSpec spec{cell.kind, 4, 3};
    const RecurrentWeights w = weights(spec, 5);
    const HostArray picked{{3, 2}, DType::i32, {0, 3, -1, 2, 1, 1}};
    HostArray one_hot = test::filled({3, 2, 4}, 0.0);
    for (std::size_t n = 0; n < 6; ++n) {
      if (picked.values[n] >= 0) {
        one_hot.values[n * 4 + static_cast<std::size_t>(picked.values[n])] = 1.0;
      }
    }
    const TensorView from_ids = device_.garbage({3, 2, 3});
    const TensorView from_rows = device_.garbage({3, 2, 3});
    backend_->recurrent_forward(spec, {.x = device_.put(picked), .weights = w, .y = from_ids});
    backend_->recurrent_forward(spec, {.x = device_.put(one_hot), .weights = w, .y = from_rows});
    EXPECT_TRUE(test::close({cell.name.data(), "reference", DType::f64, 5}, "y",
                            device_.get(from_rows), device_.get(from_ids), 1e-15));
  }
}

TEST_F(RecurrentForward, IsSilentBeyondTheLengthAndKeepsTheState) {
  for (const CellInfo& cell : cells()) {
    const RecurrentSpec spec{cell.kind, 2, 3};
    const RecurrentWeights w = weights(spec, 6);
    test::RandomArrays random(7);
    const TensorView x = device_.put(random.real({4, 2, 2}));
    const TensorView initial = device_.put(random.real({cell.states, 2, 3}));
    const TensorView y = device_.garbage({4, 2, 3});
    const TensorView final_state = device_.garbage(initial.shape);
    backend_->recurrent_forward(spec, {.x = x,
                                       .lengths = ids({0, 2}),
                                       .initial_state = initial,
                                       .weights = w,
                                       .y = y,
                                       .final_state = final_state});
    const HostArray out = device_.get(y);
    const HostArray before = device_.get(initial);
    const HostArray after = device_.get(final_state);
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t t = 0; t < 4; ++t) EXPECT_EQ(out.values[t * 6 + j], 0.0);
      for (std::size_t t = 2; t < 4; ++t) EXPECT_EQ(out.values[t * 6 + 3 + j], 0.0);
      EXPECT_EQ(after.values[3 + j], out.values[6 + 3 + j]);  // h of step 1, row 1
      for (std::size_t s = 0; s < static_cast<std::size_t>(cell.states); ++s) {
        EXPECT_EQ(after.values[s * 6 + j], before.values[s * 6 + j]);
      }
    }
  }
}

TEST_F(RecurrentForward, OfNoStepsPassesTheStateOn) {
  const RecurrentSpec spec{CellKind::lstm, 2, 3};
  test::RandomArrays random(8);
  const TensorView initial = device_.put(random.real({2, 1, 3}));
  const TensorView final_state = device_.garbage(initial.shape);
  backend_->recurrent_forward(spec, {.x = device_.put(random.real({0, 1, 2})),
                                     .initial_state = initial,
                                     .weights = weights(spec, 6),
                                     .y = device_.garbage({0, 1, 3}),
                                     .final_state = final_state});
  EXPECT_EQ(values(initial), values(final_state));
}

TEST_F(RecurrentForward, RefusesIdsAndLengthsOutOfRange) {
  const RecurrentSpec spec{CellKind::gru, 4, 2};
  const RecurrentForwardArgs args{.x = device_.put({{1, 2}, DType::i32, {0, 4}}),
                                  .weights = weights(spec, 6),
                                  .y = device_.garbage({1, 2, 2})};
  test::expect_error<ArgumentError>([&] { backend_->recurrent_forward(spec, args); },
                                    "recurrent_forward: id 4 at position 1, expected in [-1, 4)");
  RecurrentForwardArgs longer = args;
  longer.lengths = ids({1, 2});
  test::expect_error<ArgumentError>([&] { backend_->recurrent_forward(spec, longer); },
                                    "length 2 of row 1, expected in [0, T=1]");
}

using Dropout = Reference;

TEST_F(Dropout, KeepsWhatItsDefinitionSays) {
  constexpr std::int64_t kCount = 4000;
  constexpr double kRate = 0.3;
  const TensorView y = device_.garbage({kCount});
  backend_->dropout({.x = device_.put(test::filled({kCount}, 2.0)),
                     .y = y,
                     .rate = kRate,
                     .seed = 99,
                     .stream = 7,
                     .step = 5});
  const std::vector<double> result = values(y);
  int kept = 0;
  for (std::uint32_t e = 0; e < kCount; ++e) {
    const std::uint32_t word = random_bits(99, {RandomPurpose::dropout, 7ULL << 32, 5, e});
    const bool keep = uniform_double(word) >= kRate;
    EXPECT_EQ(result[e], keep ? 2.0 / (1.0 - kRate) : 0.0) << "element " << e;
    kept += keep ? 1 : 0;
  }
  EXPECT_NEAR(kept, kCount * (1.0 - kRate), 4.0 * std::sqrt(kCount * kRate * (1.0 - kRate)));
}

using Update = Reference;

TEST_F(Update, ClipsToTheNorm) {
  const TensorView parameters = array({2}, {0, 0});
  backend_->update({.kind = OptimizerKind::sgd,
                    .parameters = parameters,
                    .gradients = array({2}, {3, 4}),
                    .squared_norm = array({1}, {25}),
                    .learning_rate = 1.0,
                    .clip_norm = 0.5});
  EXPECT_NEAR(values(parameters)[0], -0.3, 1e-6);
  EXPECT_NEAR(values(parameters)[1], -0.4, 1e-6);
}

TEST_F(Update, DoesNotStretchShortGradients) {
  const TensorView parameters = array({1}, {0});
  backend_->update({.kind = OptimizerKind::sgd,
                    .parameters = parameters,
                    .gradients = array({1}, {0.25}),
                    .squared_norm = array({1}, {0.0625}),
                    .learning_rate = 1.0,
                    .clip_norm = 5.0});
  EXPECT_EQ(values(parameters)[0], -0.25);
}

class Steps : public test::BackendTest {};

TEST_P(Steps, AgreeWithTheSequence) {
  constexpr std::int64_t kSteps = 9;
  Device device(backend(), DType::f32);
  for (const CellInfo& cell : cells()) {
    test::RandomArrays random(21);
    const RecurrentSpec spec{cell.kind, 11, 35};
    const std::int64_t rows = cell.gates * spec.hidden;
    const RecurrentWeights weights{device.put(random.real({rows, 11}, -0.5, 0.5)),
                                   device.put(random.real({rows, 35}, -0.3, 0.3)),
                                   device.put(random.real({rows})),
                                   device.put(random.real({rows}))};
    const TensorView x = device.put(random.real({kSteps, 3, 11}));
    const TensorView state = device.put(test::filled({cell.states, 3, 35}, 0.0));
    const TensorView y = device.garbage({kSteps, 3, 35});
    backend().recurrent_forward(spec, {.x = x, .weights = weights, .y = y});
    for (std::int64_t t = 0; t < kSteps; ++t) {
      backend().recurrent_step(spec, {.x = x.at(t), .state = state, .weights = weights});
      EXPECT_TRUE(test::close(
          {message("recurrent_step ", cell.name, " step ", t), GetParam().backend, DType::f32, 21},
          "h", device.get(y.at(t)), device.get(state.at(0)), 1e-5));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Steps, testing::ValuesIn(test::every_backend()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
