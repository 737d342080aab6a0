// SPDX-License-Identifier: Apache-2.0
#include "cadenza/seq2seq.h"

#include <gtest/gtest.h>

#include "cadenza/error.h"
#include "cadenza/language_model.h"
#include "cadenza/optimizer.h"
#include "models/model_steps.h"
#include "support/expect_error.h"
#include "support/expect_slopes.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::batch_of;
using test::sum_of_losses;

constexpr Scoring kScorings[] = {Scoring::none, Scoring::additive, Scoring::dot, Scoring::general};

Seq2SeqConfig tiny_seq2seq() {
  return {.source_width = 11, .width = 12, .embedding = 3, .hidden = 4};
}

// From both embeddings to the output, with dropout, for every cell and way of attention.
TEST(Seq2Seq, GradientsMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  const Dataset data = test::tiny_pairs();
  const Batch batch = batch_of(data, {0, 2});
  Arena arena(*backend);
  for (const CellInfo& cell : cells()) {
    for (const Scoring scoring : kScorings) {
      for (const InputFeeding feeding : {InputFeeding::no, InputFeeding::yes}) {
        if (scoring == Scoring::none && feeding == InputFeeding::yes) continue;
        Seq2SeqConfig config = tiny_seq2seq();
        config.cell = cell.kind;
        config.layers = 2;
        config.attention = scoring;
        config.input_feeding = feeding;
        config.dropout = 0.3;
        config.input_dropout = 0.2;
        Seq2Seq model(*backend, config, DType::f64);
        model.initialize(5);
        const DropoutKey key = {.training = true, .seed = 9, .step = 4};
        test::expect_slopes(
            model.parameters(),
            [&](GradMode mode) { return sum_of_losses(model, arena, batch, key, mode); },
            message(cell.name, " ", name_of(scoring)));
      }
    }
  }
}

// What lies beside a pair in its batch, and how far the batch is padded, must not matter.
TEST(Seq2Seq, LossOfAPairIsItsOwn) {
  const auto backend = make_backend("reference");
  const Dataset data = test::tiny_pairs();
  Arena arena(*backend);
  for (const Scoring scoring : kScorings) {
    Seq2SeqConfig config = tiny_seq2seq();
    config.attention = scoring;
    Seq2Seq model(*backend, config, DType::f64);
    model.initialize(5);
    const auto loss = [&](const std::vector<std::int64_t>& order) {
      return sum_of_losses(model, arena, batch_of(data, order), {}, GradMode::none);
    };
    EXPECT_NEAR(loss({0, 1, 2, 3}), loss({0}) + loss({1}) + loss({2}) + loss({3}), 1e-10);
  }
}

TEST(Seq2Seq, SourceMattersUnlessThereIsNoEncoder) {
  const auto backend = make_backend("reference");
  const Dataset data = test::tiny_pairs();
  Arena arena(*backend);
  for (const int layers : {0, 1}) {
    Seq2SeqConfig config = tiny_seq2seq();
    config.attention = Scoring::none;
    config.encoder_layers = layers;
    Seq2Seq model(*backend, config, DType::f64);
    model.initialize(5);
    Batch batch = batch_of(data, {0});
    const double before = sum_of_losses(model, arena, batch, {}, GradMode::none);
    batch.source_ids[0] = (batch.source_ids[0] + 1) % 11;
    const double after = sum_of_losses(model, arena, batch, {}, GradMode::none);
    EXPECT_EQ(before == after, layers == 0) << layers;
  }
}

// With every token its own, the true ones beyond the first do not reach the decoder.
TEST(Seq2Seq, ScheduledSamplingReplacesTrueTokens) {
  const auto backend = make_backend("reference");
  const Dataset data = test::tiny_pairs();
  Arena arena(*backend);
  Seq2SeqConfig config = tiny_seq2seq();
  config.own_tokens = 1.0;
  config.own_tokens_slope = 1.0;
  Seq2Seq model(*backend, config);
  model.initialize(5);
  Batch batch = batch_of(data, {3});
  const auto loss = [&](std::uint32_t step, bool training) {
    return sum_of_losses(model, arena, batch, {.training = training, .seed = 1, .step = step},
                         GradMode::record);
  };
  const double own = loss(100, true);
  const double taught = loss(100, false);
  EXPECT_NE(own, taught);
  for (std::size_t t = 1; t < batch.input_ids.size(); ++t) {
    batch.input_ids[t] = (batch.input_ids[t] + 5) % 12;
  }
  EXPECT_EQ(loss(100, true), own);
  EXPECT_NE(loss(100, false), taught);
  EXPECT_NE(loss(101, true), own) << "every update draws anew";
}

// Every kind of attention learns to read the source: each target token is told by one of it.
TEST(Seq2Seq, LearnsATinyTransformation) {
  const auto backend = make_backend("cpu");
  const Dataset data = test::tiny_pairs();
  Arena arena(*backend);
  const Batch batch = batch_of(data, {0, 1, 2, 3, 4});
  for (const Scoring scoring : {Scoring::additive, Scoring::dot, Scoring::general}) {
    Seq2SeqConfig config = tiny_seq2seq();
    config.embedding = 16;
    config.hidden = 32;
    config.attention = scoring;
    config.input_feeding = InputFeeding::yes;
    config.own_tokens = 0.5;
    config.own_tokens_slope = 5.0;
    Seq2Seq model(*backend, config);
    model.initialize(5);
    Optimizer optimizer(model.parameters(), {.learning_rate = 0.01});
    for (std::uint32_t step = 0; step < 200; ++step) {
      model.parameters().zero_gradients();
      arena.reset();
      Tape tape(*backend, arena, DType::f32, GradMode::record);
      model.loss(tape, batch, {}, {.training = true, .seed = 1, .step = step},
                 1.0 / static_cast<double>(batch.predicted));
      tape.backward();
      optimizer.step(1.0);
    }
    EXPECT_LT(sum_of_losses(model, arena, batch, {}, GradMode::none) /
                  static_cast<double>(batch.predicted),
              0.05)
        << name_of(scoring);
  }
}

TEST(Seq2Seq, FileBringsModelAndMeaningBack) {
  const test::TmpDir folder;
  const auto backend = make_backend("reference");
  const Dataset data = test::tiny_pairs();
  Seq2SeqConfig config = tiny_seq2seq();
  config.attention = Scoring::additive;
  Seq2Seq model(*backend, config);
  model.initialize(3);
  const auto path = folder / "m.safetensors";
  save_model(model, *make_tokenizer("ids", "vocabulary=12"), path, data);
  EXPECT_EQ(read_model_kind(path), "seq2seq");
  const LoadedSeq2Seq loaded = load_seq2seq(path, *backend);
  EXPECT_EQ(loaded.info.config, config);
  EXPECT_EQ(loaded.info.pairs, *data.pairs);
  EXPECT_EQ(loaded.info.parameter_count, model.parameters().count());
  for (const ParameterSpec& spec : model.parameters().specs()) {
    EXPECT_EQ(loaded.model->parameters().download(spec.name),
              model.parameters().download(spec.name));
  }
  test::expect_error<FormatError>([&] { load_model(path, *backend); }, "expected 'lm'");
  PairInfo other = *data.pairs;
  other.vocabulary = 12;
  save_model(model, *make_tokenizer("ids", "vocabulary=12"), path, {.pairs = other});
  test::expect_error<FormatError>([&] { load_seq2seq(path, *backend); },
                                  "has a vocabulary of 11, expected 12 tokens");
}

TEST(Seq2Seq, RefusesWhatCannotBe) {
  const auto refuses = [](auto change, const std::string& text) {
    Seq2SeqConfig config = tiny_seq2seq();
    change(config);
    test::expect_error<ArgumentError>([&] { config.validate(); }, text);
  };
  refuses([](Seq2SeqConfig& c) { c.hidden = 5; }, "hidden is 5, expected an even number");
  refuses([](Seq2SeqConfig& c) { c.encoder_layers = 0; }, "attention needs an encoder");
  refuses(
      [](Seq2SeqConfig& c) {
        c.attention = Scoring::none;
        c.input_feeding = InputFeeding::yes;
      },
      "input feeding feeds what attention gives");
  refuses([](Seq2SeqConfig& c) { c.embedding = 0; }, "embedding is 0, expected 1 to 65536");
  const auto backend = make_backend("reference");
  const Seq2Seq model(*backend, tiny_seq2seq());
  test::expect_error<ArgumentError>([&] { model.check_data(test::tiny_tokens()); },
                                    "expected pairs of a source and a target");
  const LanguageModel lm(*backend, {.width = 12});
  test::expect_error<ArgumentError>([&] { lm.check_data(test::tiny_pairs()); },
                                    "holds pairs for a seq2seq model");
}

}  // namespace
}  // namespace cadenza
