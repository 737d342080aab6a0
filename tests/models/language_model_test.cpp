// SPDX-License-Identifier: Apache-2.0
#include "cadenza/language_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "nn/host_copy.h"
#include "support/tiny_data.h"
#include "train/batches.h"

namespace cadenza {
namespace {

Batch first_batch(const Dataset& data) {
  EpochBatches batches({.pieces = &data[Split::train],
                        .kind = data.step_kind,
                        .width = data.vocabulary,
                        .rows = 2,
                        .sequence_length = 5},
                       {0, 1, 2}, false);
  return *batches.next();
}

// Gradients of the whole model, from input and conditions to head with dropout, against central
// differences.
TEST(LanguageModel, GradientsMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  for (const CellInfo& cell : cells()) {
    for (const Head head : {Head::softmax, Head::bernoulli, Head::nade}) {
      Dataset data = head == Head::softmax ? test::tiny_tokens() : test::tiny_frames();
      std::vector<Condition> conditions;
      if (cell.kind == CellKind::lstm) {
        conditions = {{.kind = ConditionKind::label, .values = 3, .embedding = 2},
                      {.kind = ConditionKind::key, .values = 24, .embedding = 1}};
        std::int32_t next = 0;
        for (Piece& piece : data[Split::train]) piece.conditions = {next++ % 3, 20 + next};
      }
      LanguageModel model(*backend,
                          {.head = head,
                           .width = data.vocabulary,
                           .embedding = head == Head::softmax ? 3 : 0,
                           .cell = cell.kind,
                           .layers = 2,
                           .hidden = 4,
                           .conditions = conditions,
                           .dense = {{.units = 3, .activation = Activation::tanh}},
                           .nade_hidden = 3,
                           .dropout = 0.3,
                           .input_dropout = 0.2},
                          DType::f64);
      model.initialize(5);
      const Batch batch = first_batch(data);
      Arena arena(*backend);
      const auto loss = [&](GradMode mode) {
        arena.reset();
        Tape tape(*backend, arena, DType::f64, mode);
        const std::vector<Tensor> state = model.make_state(2);
        const auto rows = download_real(
            *backend,
            model.loss(tape, batch, state, {.training = true, .seed = 9, .step = 4}, 1.0));
        tape.backward();
        return std::accumulate(rows.begin(), rows.end(), 0.0);
      };
      model.parameters().zero_gradients();
      loss(GradMode::record);
      for (const ParameterSpec& spec : model.parameters().specs()) {
        const auto gradient = download_real(*backend, model.parameters().gradient(spec.name));
        std::vector<double> values = model.parameters().download(spec.name);
        // Every seventh number of a large array is enough here: the operations have full checks.
        for (std::size_t i = 0; i<values.size(); i += values.size()> 50 ? 7 : 1) {
          const double original = values[i];
          constexpr double kStep = 1e-5;
          const auto loss_at = [&](double value) {
            values[i] = value;
            model.parameters().upload(spec.name, values);
            return loss(GradMode::none);
          };
          const double slope =
              (loss_at(original + kStep) - loss_at(original - kStep)) / (2 * kStep);
          loss_at(original);
          EXPECT_NEAR(gradient[i], slope, 1e-6 * std::max(1.0, std::abs(slope)))
              << cell.name << " " << name_of(head) << " " << spec.name << "[" << i << "]";
        }
      }
    }
  }
}

// The carried state makes two short chunks equal to one long one.
TEST(LanguageModel, CarriesItsStateAcrossChunks) {
  const auto backend = make_backend("reference");
  const Dataset data = test::tiny_tokens();
  LanguageModel model(*backend, {.width = 12, .layers = 2, .hidden = 6}, DType::f64);
  model.initialize(1);
  const auto losses = [&](std::int64_t steps) {
    EpochBatches batches({.pieces = &data[Split::train],
                          .kind = StepKind::token,
                          .width = 12,
                          .rows = 1,
                          .sequence_length = steps},
                         {2}, false);
    std::vector<double> all;
    Arena arena(*backend);
    const std::vector<Tensor> state = model.make_state(1);
    while (const auto batch = batches.next()) {
      arena.reset();
      Tape tape(*backend, arena, DType::f64, GradMode::none);
      const auto rows = download_real(*backend, model.loss(tape, *batch, state, {}, 1.0));
      all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
  };
  const auto whole = losses(1000);
  const auto chunks = losses(4);
  ASSERT_EQ(whole.size(), chunks.size());
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], chunks[i], 1e-12);
}

TEST(LanguageModel, AddsTheForgetBias) {
  const auto backend = make_backend("reference");
  const LanguageModelConfig config = {.width = 12, .hidden = 4, .forget_bias = 3.0};
  LanguageModel model(*backend, config);
  model.initialize(1);
  const auto bias = model.parameters().download("lstm.bias_ih_l0");
  for (std::size_t i = 0; i < bias.size(); ++i) {
    EXPECT_EQ(bias[i] > 2.0, i >= 4 && i < 8) << i;
  }
}

}  // namespace
}  // namespace cadenza
