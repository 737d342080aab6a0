// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <numeric>

#include "cadenza/language_model.h"
#include "cadenza/optimizer.h"
#include "nn/host_copy.h"
#include "support/backend_param.h"
#include "support/compare.h"
#include "support/tiny_data.h"
#include "train/batches.h"

// Training as the Trainer does it, each step submitted as one piece: fifty updates of whole models,
// with dropout, carried states, clipping and short rows, against the same on the reference.

namespace cadenza {
namespace {

constexpr int kUpdates = 50;

struct Curve {
  test::HostArray losses;      // [updates], nats a step before each update
  test::HostArray parameters;  // [P] behind the last
};

class Training {
 public:
  Training(Backend& backend, Head head, CellKind cell)
      : backend_(backend),
        data_(head == Head::softmax ? test::tiny_tokens() : test::tiny_frames()),
        model_(backend, {.head = head,
                         .width = data_.vocabulary,
                         .embedding = head == Head::softmax && cell != CellKind::gru ? 5 : 0,
                         .cell = cell,
                         .layers = 2,
                         .hidden = 9,
                         .nade_hidden = 6,
                         .dropout = 0.2}),
        optimizer_(model_.parameters(), {.learning_rate = 1e-2, .clip_norm = 1.0}),
        state_(model_.make_state(kRows)),
        arena_(backend) {
    model_.initialize(5);
  }

  Curve run() {
    Curve curve{test::filled({kUpdates}, 0.0), {}};
    for (int step = 0, epoch = 0; step < kUpdates; ++epoch) {
      EpochBatches batches({.pieces = &data_[Split::train],
                            .kind = data_.step_kind,
                            .width = data_.vocabulary,
                            .rows = kRows,
                            .sequence_length = 6},
                           training_order(data_[Split::train], kRows, 1, epoch), true);
      for (auto batch = batches.next(); batch && step < kUpdates; batch = batches.next(), ++step) {
        curve.losses.values[static_cast<std::size_t>(step)] = update(*batch, step);
      }
    }
    const TensorView values = model_.parameters().values();
    curve.parameters = {values.shape, DType::f64, download_real(backend_, values)};
    return curve;
  }

 private:
  static constexpr std::int64_t kRows = 3;

  double update(const Batch& batch, int step) {
    arena_.reset();
    const DropoutKey key = {.training = true, .seed = 7, .step = static_cast<std::uint32_t>(step)};
    TensorView row_loss;
    backend_.submit([&] {
      model_.parameters().zero_gradients();
      Tape tape(backend_, arena_, DType::f32, GradMode::record);
      row_loss = model_.loss(tape, batch, state_, key, 1.0 / static_cast<double>(batch.predicted));
      tape.backward();
      optimizer_.step(1.0);
    });
    const std::vector<double> losses = download_real(backend_, row_loss);
    return std::accumulate(losses.begin(), losses.end(), 0.0) /
           static_cast<double>(batch.predicted);
  }

  Backend& backend_;
  Dataset data_;
  LanguageModel model_;
  Optimizer optimizer_;
  std::vector<Tensor> state_;
  Arena arena_;
};

/// Allowed errors relative to the largest value.
struct Tolerance {
  double losses, parameters;
};

/// Adam amplifies rounding where gradients are small, so parameters wander further than losses.
Tolerance tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
    case Precision::int24:
      return {1e-5, 1e-4};
    case Precision::tf32:
      return {2e-3, 1e-1};
    default:
      return {1e-2, 3e-1};
  }
}

class TrainingCurve : public test::BackendTest {
 protected:
  void expect_the_curve_of_the_reference(Head head, CellKind cell) {
    const auto reference = make_backend("reference");
    const Curve expected = Training(*reference, head, cell).run();
    const Curve got = Training(backend(), head, cell).run();
    const test::Origin origin{
        message("training ", info_of(cell).name, " head ", static_cast<int>(head)),
        GetParam().backend, DType::f32, 5};
    const Tolerance tolerance = tolerance_of(GetParam().precision);
    EXPECT_TRUE(test::close(origin, "losses", expected.losses, got.losses, tolerance.losses));
    EXPECT_TRUE(test::close(origin, "parameters", expected.parameters, got.parameters,
                            tolerance.parameters));
    EXPECT_LT(got.losses.values.back(), 0.9 * got.losses.values.front());
  }
};

TEST_P(TrainingCurve, OfTokensWithLstm) {
  expect_the_curve_of_the_reference(Head::softmax, CellKind::lstm);
}

TEST_P(TrainingCurve, OfTokensAsOneHotRowsWithGru) {
  expect_the_curve_of_the_reference(Head::softmax, CellKind::gru);
}

TEST_P(TrainingCurve, OfIndependentKeysWithRnn) {
  expect_the_curve_of_the_reference(Head::bernoulli, CellKind::rnn_tanh);
}

TEST_P(TrainingCurve, OfJointKeysWithLstm) {
  expect_the_curve_of_the_reference(Head::nade, CellKind::lstm);
}

INSTANTIATE_TEST_SUITE_P(Backends, TrainingCurve,
                         testing::ValuesIn(test::every_backend_but_reference()),
                         test::name_of_param);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TrainingCurve);

}  // namespace
}  // namespace cadenza
