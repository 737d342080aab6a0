// SPDX-License-Identifier: Apache-2.0
#include "cadenza/language_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "cadenza/error.h"
#include "models/language_model_input.h"
#include "nn/host_copy.h"
#include "support/expect_error.h"
#include "support/expect_slopes.h"
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
                      {.kind = ConditionKind::histogram, .values = 12, .embedding = 3},
                      {.kind = ConditionKind::key, .values = 24, .embedding = 1}};
        std::int32_t next = 0;
        for (Piece& piece : data[Split::train]) {
          std::vector<float> shares(12, 0.05F);
          shares[static_cast<std::size_t>(next)] = 0.45F;
          piece.conditions = {next++ % 3, ConditionValue(shares), 20 + next};
        }
        data[Split::train][1].conditions[1] = {};
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

// The cpu backend multiplies an embedding into the weights; the reference embeds every step.
TEST(LanguageModel, TrainsOnTheCpuAsTheReferenceDoes) {
  const Dataset data = test::tiny_tokens();
  const Batch batch = *EpochBatches({.pieces = &data[Split::train],
                                     .kind = data.step_kind,
                                     .width = data.vocabulary,
                                     .rows = 3,
                                     .sequence_length = 9},
                                    {0, 1, 2}, false)
                           .next();
  ASSERT_GT(batch.steps * batch.rows, data.vocabulary);
  for (const CellInfo& cell : cells()) {
    std::vector<std::vector<double>> numbers;  // of each backend: losses, then all gradients
    for (const char* name : {"reference", "cpu"}) {
      const auto backend = make_backend(name);
      EXPECT_EQ(backend->looks_ids_up(), backend->name() == "cpu");
      LanguageModel model(*backend, {.width = data.vocabulary,
                                     .embedding = 7,
                                     .cell = cell.kind,
                                     .layers = 2,
                                     .hidden = 9,
                                     .dropout = 0.3});
      model.initialize(5);
      Arena arena(*backend);
      Tape tape(*backend, arena, DType::f32, GradMode::record);
      const std::vector<Tensor> state = model.make_state(batch.rows);
      std::vector<double>& all = numbers.emplace_back(download_real(
          *backend, model.loss(tape, batch, state, {.training = true, .seed = 9, .step = 4}, 1.0)));
      tape.backward();
      for (const ParameterSpec& spec : model.parameters().specs()) {
        const auto gradient = download_real(*backend, model.parameters().gradient(spec.name));
        all.insert(all.end(), gradient.begin(), gradient.end());
      }
    }
    ASSERT_EQ(numbers[0].size(), numbers[1].size());
    for (std::size_t i = 0; i < numbers[0].size(); ++i) {
      EXPECT_NEAR(numbers[1][i], numbers[0][i], 2e-5 * std::max(1.0, std::abs(numbers[0][i])))
          << cell.name << ", number " << i;
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

/// Losses of a piece of `data` in a batch of these.
std::vector<double> losses_of(LanguageModel& model, const Dataset& data, std::int64_t piece,
                              const std::vector<std::int64_t>& batch) {
  EpochBatches batches({.pieces = &data[Split::train],
                        .kind = data.step_kind,
                        .width = data.vocabulary,
                        .rows = std::ssize(batch),
                        .sequence_length = 1000},
                       batch, false);
  const Batch rows = *batches.next();
  Arena arena(model.backend());
  Tape tape(model.backend(), arena, DType::f64, GradMode::none);
  const std::vector<Tensor> state = model.make_state(rows.rows);
  const auto all = download_real(model.backend(), model.loss(tape, rows, state, {}, 1.0));
  const auto b =
      static_cast<std::size_t>(std::ranges::find(rows.piece, piece) - rows.piece.begin());
  std::vector<double> losses;
  for (std::int64_t t = 0; t < rows.lengths[b]; ++t) {
    losses.push_back(all[static_cast<std::size_t>(t * rows.rows) + b]);
  }
  return losses;
}

TEST(LanguageModel, TellsEachRowItsOwnConditions) {
  const auto backend = make_backend("reference");
  Dataset data = test::tiny_tokens();
  std::size_t next = 0;
  for (Piece& piece : data[Split::train]) {
    std::vector<float> shares(12, 0.0F);
    shares[next] = 1.0F;
    piece.conditions = {static_cast<std::int32_t>(next++), ConditionValue(shares)};
  }
  LanguageModel model(*backend,
                      {.width = 12,
                       .embedding = 3,
                       .hidden = 4,
                       .conditions = {{.kind = ConditionKind::label, .values = 5, .embedding = 2},
                                      {.kind = ConditionKind::histogram, .values = 12}}},
                      DType::f64);
  model.initialize(5);
  for (const std::int64_t piece : {0, 2, 4}) {
    const std::vector<double> alone = losses_of(model, data, piece, {piece});
    const std::vector<double> among = losses_of(model, data, piece, {4, 2, 0, 1});
    ASSERT_EQ(alone.size(), among.size());
    for (std::size_t t = 0; t < alone.size(); ++t) EXPECT_NEAR(alone[t], among[t], 1e-12) << piece;
  }
}

LanguageModelConfig looking_back(Head head) {
  return {.head = head,
          .width = head == Head::softmax ? 12 : 88,
          .embedding = head == Head::softmax ? 3 : 0,
          .layers = 2,
          .hidden = 4,
          .conditions = {{.kind = ConditionKind::label, .values = 3, .embedding = 2}},
          .dropout = 0.3,
          .input_dropout = 0.2,
          .attention_length = 3,
          .lookback = head == Head::softmax ? std::vector<int>{2, 5} : std::vector<int>{},
          .position_bits = 2};
}

Dataset labelled(Dataset data) {
  for (Piece& piece : data[Split::train]) piece.conditions = {1};
  return data;
}

/// Piece number `piece` and the next, as far as it goes, in stretches of `steps`.
EpochBatches stretches(const Dataset& data, const LanguageModel& model, std::int64_t steps,
                       std::int64_t piece) {
  return {{.pieces = &data[Split::train],
           .kind = data.step_kind,
           .width = data.vocabulary,
           .rows = 2,
           .sequence_length = steps,
           .history = model.history()},
          {piece, piece + 1},
          false};
}

/// What a model with this head reads.
Dataset labelled_data(Head head) {
  return labelled(head == Head::softmax ? test::tiny_tokens() : test::tiny_frames());
}

// From the second stretch of pieces of different lengths, where the state carries no gradient.
TEST(LanguageModel, LooksBackWithTheRightGradients) {
  const auto backend = make_backend("reference");
  for (const Head head : {Head::softmax, Head::bernoulli}) {
    const Dataset data = labelled_data(head);
    LanguageModel model(*backend, looking_back(head), DType::f64);
    model.initialize(5);
    EpochBatches batches = stretches(data, model, 16, 1);
    batches.skip(1);
    const Batch batch = *batches.next();
    ASSERT_NE(batch.lengths[0], batch.lengths[1]);
    Arena arena(*backend);
    test::expect_slopes(
        model.parameters(),
        [&](GradMode mode) {
          arena.reset();
          Tape tape(*backend, arena, DType::f64, mode);
          std::vector<Tensor> state = model.make_state(2);
          for (const Tensor& carried : state) backend->fill(carried, 0.25);
          const auto rows = download_real(
              *backend,
              model.loss(tape, batch, state, {.training = true, .seed = 9, .step = 4}, 1.0));
          tape.backward();
          return std::accumulate(rows.begin(), rows.end(), 0.0);
        },
        std::string(name_of(head)));
  }
}

TEST(LanguageModel, LooksBackAcrossChunks) {
  const auto backend = make_backend("reference");
  for (const Head head : {Head::softmax, Head::bernoulli}) {
    const Dataset data = labelled_data(head);
    LanguageModel model(*backend, looking_back(head), DType::f64);
    model.initialize(5);
    const auto losses = [&](std::int64_t steps) {
      EpochBatches batches = stretches(data, model, steps, 0);
      std::map<std::pair<std::int64_t, std::int64_t>, double> of_steps;
      Arena arena(*backend);
      const std::vector<Tensor> state = model.make_state(2);
      while (const auto batch = batches.next()) {
        arena.reset();
        Tape tape(*backend, arena, DType::f64, GradMode::none);
        const auto rows = download_real(*backend, model.loss(tape, *batch, state, {}, 1.0));
        for (std::size_t b = 0; b < 2; ++b) {
          for (std::int64_t t = 0; t < batch->lengths[b]; ++t) {
            of_steps[{batch->piece[b], batch->first_step[b] + t}] =
                rows[static_cast<std::size_t>(t) * 2 + b];
          }
        }
      }
      return of_steps;
    };
    const auto whole = losses(1000);
    for (const std::int64_t steps : {1, 4, 17}) {
      const auto chunks = losses(steps);
      ASSERT_EQ(whole.size(), chunks.size());
      for (const auto& [position, loss] : whole) {
        EXPECT_NEAR(loss, chunks.at(position), 1e-12)
            << name_of(head) << ", stretches of " << steps << ", step " << position.second;
      }
    }
  }
}

// Two pieces in stretches of four: what each step reads besides the token before.
TEST(LanguageModel, ReadsWhatStandsAtItsDistances) {
  const auto backend = make_backend("reference");
  Dataset data = labelled(test::tiny_tokens());
  data[Split::train][0].sequence.tokens = {3, 1, 3, 1, 4, 1, 3, 1, 4, 4};
  const LanguageModelConfig config = {
      .width = 12, .embedding = 12, .hidden = 4, .lookback = {2, 5}, .position_bits = 3};
  LanguageModel model(*backend, config, DType::f64);
  std::vector<double> identity(12 * 12, 0.0);
  for (std::size_t i = 0; i < 12; ++i) identity[i * 12 + i] = 1.0;
  model.parameters().upload("embedding.weight", identity);
  EpochBatches batches = stretches(data, model, 4, 0);
  Arena arena(*backend);
  while (const auto batch = batches.next()) {
    arena.reset();
    Tape tape(*backend, arena, DType::f64, GradMode::none);
    Variable& x = read_input(tape, config, model.parameters(), *batch, {});
    const auto columns = static_cast<std::size_t>(config.input_width());
    ASSERT_EQ(x.value().shape[2], config.input_width());
    const std::vector<double> numbers = download_real(*backend, x.value());
    for (std::size_t b = 0; b < 2; ++b) {
      for (std::int64_t t = 0; t < batch->lengths[b]; ++t) {
        const std::int64_t n = batch->first_step[b] + t;
        const auto& tokens =
            data[Split::train][static_cast<std::size_t>(batch->piece[b])].sequence.tokens;
        const auto token = [&](std::int64_t number) {
          return number < 0 ? -1 : tokens[static_cast<std::size_t>(number)];
        };
        std::vector<double> expected(columns, 0.0);
        for (const auto& [place, back] : {std::pair{0, 1}, {1, 2}, {2, 5}}) {
          if (token(n - back) < 0) continue;
          expected[static_cast<std::size_t>(12 * place + token(n - back))] = 1.0;
        }
        expected[36] = n >= 3 && token(n - 1) == token(n - 3) ? 1.0 : 0.0;
        expected[37] = n >= 6 && token(n - 1) == token(n - 6) ? 1.0 : 0.0;
        for (std::size_t bit = 0; bit < 3; ++bit) expected[38 + bit] = (n >> bit) % 2 == 1 ? 1 : -1;
        const auto begin =
            numbers.begin() + static_cast<std::ptrdiff_t>((t * 2 + static_cast<int>(b)) * columns);
        EXPECT_EQ(std::vector(begin, begin + static_cast<std::ptrdiff_t>(columns)), expected)
            << "row " << b << ", step " << n;
      }
    }
  }
}

TEST(LanguageModel, RefusesToLookBackOnWhatItDoesNotRead) {
  const auto refuse = [](auto change, const char* mention) {
    LanguageModelConfig config = {.width = 12, .embedding = 3};
    change(config);
    test::expect_error<ArgumentError>([&] { config.validate(); }, mention);
  };
  using Config = LanguageModelConfig;
  refuse([](Config& c) { c.attention_length = -1; }, "attention_length is -1");
  refuse([](Config& c) { c.position_bits = 33; }, "position_bits is 33");
  refuse([](Config& c) { c.lookback = {0}; }, "lookback is 0");
  refuse([](Config& c) { c.lookback = {16, 16}; }, "lookback 16 follows 16");
  const auto bare = [](Config& c) { c.embedding = 0; };
  refuse([&](Config& c) { bare(c), c.lookback = {16}; }, "lookback is on embedded tokens");
  refuse([&](Config& c) { bare(c), c.position_bits = 2; }, "with position_bits tokens need");
  const auto backend = make_backend("reference");
  LanguageModel model(*backend, {.width = 12, .embedding = 3, .lookback = {4}});
  Arena arena(*backend);
  Tape tape(*backend, arena, DType::f32, GradMode::none);
  const std::vector<Tensor> state = model.make_state(2);
  test::expect_error<ArgumentError>(
      [&] { model.loss(tape, first_batch(test::tiny_tokens()), state, {}, 1.0); },
      "the batch has 0 tokens from before its steps, expected 4 of each of 2 rows");
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
