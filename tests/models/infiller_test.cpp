// SPDX-License-Identifier: Apache-2.0
#include "cadenza/infiller.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/trainer.h"
#include "models/infiller_pass.h"
#include "models/model_steps.h"
#include "nn/host_copy.h"
#include "support/expect_error.h"
#include "support/expect_slopes.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::batch_of;
using test::losses;
using test::sum;

InfillerConfig tiny_infiller(int voices = 2) {
  return {.width = 12, .voices = voices, .period = 3, .embedding = 3, .hidden = 4};
}

/// Pieces of whole steps of two voices.
Dataset two_voices() {
  Dataset data = test::tiny_tokens();
  for (auto& split : data.splits) {
    for (Piece& piece : split) piece.sequence.tokens.resize(piece.sequence.tokens.size() / 2 * 2);
  }
  return data;
}

TEST(Infiller, GradientsMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  const Dataset data = two_voices();
  const Batch batch = batch_of(data, {0, 2});
  Arena arena(*backend);
  for (const CellInfo& cell : cells()) {
    for (const int voices : {1, 2}) {
      InfillerConfig config = tiny_infiller(voices);
      config.cell = cell.kind;
      config.layers = 2;
      config.dropout = 0.3;
      config.input_dropout = 0.2;
      config.word_dropout = 0.5;
      Infiller model(*backend, config, DType::f64);
      model.initialize(5);
      const DropoutKey key = {.training = true, .seed = 9, .step = 4};
      test::expect_slopes(
          model.parameters(),
          [&](GradMode mode) { return sum(losses(model, arena, batch, key, mode)); },
          message(cell.name, " ", voices, " voices"));
    }
  }
}

// What lies beside a piece in its batch, and how far the batch is padded, must not matter.
TEST(Infiller, LossOfAPieceIsItsOwn) {
  const auto backend = make_backend("reference");
  const Dataset data = two_voices();
  Arena arena(*backend);
  Infiller model(*backend, tiny_infiller(), DType::f64);
  model.initialize(5);
  const auto loss = [&](const std::vector<std::int64_t>& order) {
    return sum(losses(model, arena, batch_of(data, order)));
  };
  EXPECT_NEAR(loss({3, 0, 2, 1}), loss({0}) + loss({1}) + loss({2}) + loss({3}), 1e-10);
}

// The scores of every place of a piece of `steps` steps, [places][width].
std::vector<std::vector<double>> all_scores(Infiller& model, const std::vector<std::int32_t>& ids,
                                            std::int64_t padding = 0) {
  Arena arena(model.backend());
  Tape tape(model.backend(), arena, model.parameters().dtype(), GradMode::none);
  const std::int64_t voices = model.config().voices;
  const auto places = static_cast<std::int64_t>(ids.size());
  GridRows grid = {.steps = places / voices + padding,
                   .ids = ids,
                   .lengths = {static_cast<std::int32_t>(places / voices)}};
  grid.ids.resize(static_cast<std::size_t>(grid.steps * voices), -1);
  std::vector<GridPlace> all;
  for (std::int64_t p = 0; p < places; ++p) all.push_back({p / voices, 0, p % voices});
  InfillerPass pass(tape, model.config(), model.parameters(), {});
  const auto flat = download_real(model.backend(), pass.logits(grid, all).value());
  const auto width = static_cast<std::ptrdiff_t>(model.config().width);
  std::vector<std::vector<double>> scores;
  for (auto row = flat.begin(); row != flat.end(); row += width)
    scores.emplace_back(row, row + width);
  return scores;
}

// A token is told from every other one and never from itself, in one voice and in several.
TEST(Infiller, PredictsATokenFromAllOthers) {
  const auto backend = make_backend("reference");
  for (const CellInfo& cell : cells()) {
    for (const int voices : {1, 2, 3}) {
      InfillerConfig config = tiny_infiller(voices);
      config.cell = cell.kind;
      config.layers = 2;
      config.embedding = 6;  // enough units that not all are silent
      config.hidden = 16;
      Infiller model(*backend, config, DType::f64);
      model.initialize(5);
      std::vector<std::int32_t> ids = {1, 5, 3, 2, 8, 7, 6, 4, 0, 9, 11, 10};
      const auto before = all_scores(model, ids);
      for (std::size_t changed = 0; changed < ids.size(); ++changed) {
        std::vector<std::int32_t> other = ids;
        other[changed] = (other[changed] + 1) % 12;
        const auto after = all_scores(model, other);
        for (std::size_t p = 0; p < ids.size(); ++p) {
          EXPECT_EQ(before[p] == after[p], p == changed)
              << cell.name << ", " << voices << " voices: token " << changed << " at place " << p;
        }
      }
      EXPECT_EQ(all_scores(model, ids, 3), before) << "padding";
    }
  }
}

TEST(Infiller, KnowsWhichStepOfTheBeatItIs) {
  const auto backend = make_backend("reference");
  InfillerConfig config = tiny_infiller(1);
  config.hidden = 16;
  Infiller model(*backend, config, DType::f64);
  model.initialize(5);
  const auto beat = model.parameters().download("beat.weight");
  const auto before = all_scores(model, {1, 1, 1, 1, 1, 1, 1});
  model.parameters().upload("beat.weight", std::vector<double>(beat.size(), 0.0));
  EXPECT_NE(all_scores(model, {1, 1, 1, 1, 1, 1, 1}), before);
  model.parameters().upload("beat.weight", beat);
  config.period = 4;
  Infiller slower(*backend, config, DType::f64);
  slower.initialize(5);
  EXPECT_NE(all_scores(slower, {1, 1, 1, 1, 1, 1, 1})[3], before[3]);
}

// Hidden tokens are not read; training hides some, evaluation none.
TEST(Infiller, HidesTokensInTrainingOnly) {
  const auto backend = make_backend("reference");
  const Batch batch = batch_of(two_voices(), {0, 1});
  Arena arena(*backend);
  const auto loss = [&](double word_dropout, const DropoutKey& key) {
    InfillerConfig config = tiny_infiller();
    config.word_dropout = word_dropout;
    Infiller model(*backend, config, DType::f64);
    model.initialize(5);
    return losses(model, arena, batch, key);
  };
  EXPECT_EQ(loss(0.9, {}), loss(0.0, {}));
  const DropoutKey training = {.training = true, .seed = 3, .step = 2};
  EXPECT_EQ(loss(0.9, training), loss(0.9, training));
  EXPECT_NE(loss(0.9, training), loss(0.0, training));
  EXPECT_NE(loss(0.9, training), loss(0.9, {.training = true, .seed = 3, .step = 3}));
}

TEST(Infiller, BackendsAgree) {
  const std::vector<std::int32_t> ids = {1, 5, 3, 2, 8, 7, 6, 4};
  const auto scores = [&](const char* name) {
    const auto backend = make_backend(name);
    InfillerConfig config = tiny_infiller();
    config.hidden = 9;
    Infiller model(*backend, config);
    model.initialize(5);
    return all_scores(model, ids);
  };
  const auto expected = scores("reference");
  const auto got = scores("cpu");
  for (std::size_t p = 0; p < ids.size(); ++p) {
    for (std::size_t k = 0; k < 12; ++k) EXPECT_NEAR(got[p][k], expected[p][k], 1e-5);
  }
}

TEST(Infiller, RefusesDataThatIsNotItsOwn) {
  const auto backend = make_backend("reference");
  Infiller model(*backend, tiny_infiller());
  const auto refuses = [&](const Dataset& data, const char* part) {
    test::expect_error<ArgumentError>([&] { model.check_data(data); }, part);
  };
  refuses(test::tiny_tokens(11), "11 tokens, the model 12");
  refuses(test::tiny_tokens(), "piece2 has 19 tokens, expected 2 in every step");
  refuses(test::tiny_pairs(), "pairs");
  refuses(test::tiny_frames(), "88 keys");
}

TEST(InfillerConfig, NamesWhatIsOutOfRange) {
  const auto refuses = [](auto&& spoil, const char* part) {
    InfillerConfig config = tiny_infiller();
    spoil(config);
    test::expect_error<ArgumentError>([&] { config.validate(); }, part);
  };
  refuses([](InfillerConfig& c) { c.voices = 0; }, "voices is 0");
  refuses([](InfillerConfig& c) { c.period = 0; }, "period is 0");
  refuses([](InfillerConfig& c) { c.width = 0; }, "width is 0");
  refuses([](InfillerConfig& c) { c.word_dropout = 1.5; }, "word_dropout is 1.5");
  refuses([](InfillerConfig& c) { c.dropout = 1.0; }, "dropout is 1");
}

// A piece of one token over and over: the others tell each.
TEST(InfillerTraining, LearnsToTellATokenFromItsNeighbours) {
  const test::TmpDir folder;
  const auto backend = make_backend("cpu");
  Dataset data = test::tiny_tokens(8, 40);
  for (auto& split : data.splits) {
    for (Piece& piece : split) {
      std::vector<std::int32_t>& tokens = piece.sequence.tokens;
      tokens.assign(16, tokens.front());
    }
  }
  InfillerConfig config = {.width = 8, .voices = 2, .embedding = 8, .hidden = 16};
  config.word_dropout = 0.5;
  Infiller model(*backend, config);
  TrainingConfig training = {.batch_size = 4, .epochs = 12};
  training.optimizer.learning_rate = 0.01;
  Trainer(model, *make_tokenizer("ids", "vocabulary=8"), data, training, folder.path(), false)
      .run();
  EXPECT_LT(evaluate(model, data, Split::test).all, 0.1);
}

}  // namespace
}  // namespace cadenza
