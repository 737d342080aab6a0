// SPDX-License-Identifier: Apache-2.0
#include "cadenza/classifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/language_model.h"
#include "cadenza/seq2seq.h"
#include "cadenza/trainer.h"
#include "models/model_steps.h"
#include "support/expect_error.h"
#include "support/expect_slopes.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"
#include "train/batches.h"

namespace cadenza {
namespace {

using test::batch_of;
using test::losses;
using test::sum;

ClassifierConfig tiny_classifier() {
  return {.width = 12, .classes = 3, .embedding = 3, .hidden = 4};
}

Dataset labelled(int pieces = 7) {
  Dataset data = test::tiny_tokens(12, pieces);
  data.labels = {"jig", "reel", "waltz"};
  std::int32_t label = 0;
  for (auto& split : data.splits) {
    for (Piece& piece : split) piece.label = label++ % 3;
  }
  return data;
}

TEST(ClassifierBatches, HoldWholePiecesWithTheirLabels) {
  const Dataset data = labelled();
  const Batch batch = batch_of(data, {3, 0});
  const std::vector<Piece>& pieces = data[Split::train];
  EXPECT_EQ(batch.labels, (std::vector{pieces[3].label, pieces[0].label}));
  EXPECT_EQ(batch.lengths[0], static_cast<std::int32_t>(pieces[3].sequence.size()));
  EXPECT_EQ(batch.steps, batch.lengths[0]);
  EXPECT_EQ(batch.target_ids[static_cast<std::size_t>(batch.steps - 1) * 2],
            pieces[3].sequence.tokens.back());
  EXPECT_EQ(batch.target_ids.back(), -1) << "no end where the shorter piece is over";
}

TEST(Classifier, GradientsMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  const Dataset data = labelled();
  const Batch batch = batch_of(data, {0, 2});
  Arena arena(*backend);
  for (const CellInfo& cell : cells()) {
    for (const Reading reading : {Reading::forward, Reading::both}) {
      for (const Pooling pooling : {Pooling::last, Pooling::mean, Pooling::step}) {
        ClassifierConfig config = tiny_classifier();
        config.cell = cell.kind;
        config.layers = 2;
        config.reading = reading;
        config.pooling = pooling;
        config.dropout = 0.3;
        config.input_dropout = 0.2;
        Classifier model(*backend, config, DType::f64);
        model.initialize(5);
        const DropoutKey key = {.training = true, .seed = 9, .step = 4};
        test::expect_slopes(
            model.parameters(),
            [&](GradMode mode) { return sum(losses(model, arena, batch, key, mode)); },
            message(cell.name, " ", name_of(reading), " ", name_of(pooling)));
      }
    }
  }
}

// What lies beside a piece in its batch, and how far the batch is padded, must not matter.
TEST(Classifier, LossOfAPieceIsItsOwn) {
  const auto backend = make_backend("reference");
  const Dataset data = labelled();
  Arena arena(*backend);
  for (const Pooling pooling : {Pooling::last, Pooling::mean, Pooling::step}) {
    ClassifierConfig config = tiny_classifier();
    config.pooling = pooling;
    Classifier model(*backend, config, DType::f64);
    model.initialize(5);
    const auto loss = [&](const std::vector<std::int64_t>& order) {
      return sum(losses(model, arena, batch_of(data, order)));
    };
    EXPECT_NEAR(loss({0, 1, 2, 3}), loss({0}) + loss({1}) + loss({2}) + loss({3}), 1e-10);
  }
}

// The loss is that of the label, once for every step, and rows without a piece cost nothing.
TEST(Classifier, EveryStepBearsTheLossOfItsLabel) {
  const auto backend = make_backend("reference");
  const Dataset data = labelled();
  Arena arena(*backend);
  Classifier model(*backend, tiny_classifier(), DType::f64);
  model.initialize(5);
  const Piece& piece = data[Split::train][1];
  const auto steps = piece.sequence.size();
  const std::vector<double> shares = classify(model, std::span(&piece.sequence, 1)).front();
  const double loss = -std::log(shares[static_cast<std::size_t>(piece.label)]);
  const std::vector<double> rows = losses(model, arena, batch_of(data, {1}));
  ASSERT_EQ(rows.size(), steps);
  for (const double row : rows) EXPECT_NEAR(row, loss, 1e-12);
  EpochBatches with_room(batch_source(data, Split::train, 4, 1, 1), {1}, false);
  EXPECT_NEAR(sum(losses(model, arena, *with_room.next())), loss * static_cast<double>(steps),
              1e-10);
}

TEST(Classifier, LabelsWeighWhatTheyAreToldTo) {
  const auto backend = make_backend("reference");
  const Dataset data = labelled();
  Arena arena(*backend);
  const auto loss = [&](const std::vector<double>& weights, const std::vector<std::int64_t>& rows) {
    ClassifierConfig config = tiny_classifier();
    config.label_weights = weights;
    Classifier model(*backend, config, DType::f64);
    model.initialize(5);
    return sum(losses(model, arena, batch_of(data, rows)));
  };
  EXPECT_NEAR(loss({0.5, 3.0, 0.0}, {0, 1, 2}), 0.5 * loss({}, {0}) + 3.0 * loss({}, {1}), 1e-10);
  Classifier model(*backend, {.width = 12, .classes = 3, .label_weights = {1, 2, 3}}, DType::f64);
  model.initialize(5);
  EpochBatches with_room(batch_source(data, Split::train, 4, 1, 1), {1}, false);
  EXPECT_TRUE(std::isfinite(sum(losses(model, arena, *with_room.next()))))
      << "rows without a piece";
}

TEST(Classifier, BalancedLabelsWeighTheSame) {
  Dataset data = labelled();
  const std::vector<double> weights = balanced_label_weights(data);
  std::vector<double> steps(3, 0.0);
  for (const Piece& piece : data[Split::train]) {
    steps[static_cast<std::size_t>(piece.label)] += static_cast<double>(piece.sequence.size());
  }
  EXPECT_NE(steps[0], steps[1]);
  const double share = (steps[0] + steps[1] + steps[2]) / 3.0;
  for (std::size_t label = 0; label < 3; ++label) {
    EXPECT_NEAR(weights[label] * steps[label], share, 1e-9) << label;
  }
  for (Piece& piece : data[Split::train]) piece.label = 0;
  test::expect_error<ArgumentError>([&] { balanced_label_weights(data); },
                                    "no training piece has the label reel");
}

TEST(Classifier, ReadsWhatItsPoolingAndReadingSay) {
  const auto backend = make_backend("reference");
  const auto shares = [&](Reading reading, Pooling pooling, std::vector<std::int32_t> tokens) {
    ClassifierConfig config = tiny_classifier();
    config.reading = reading;
    config.pooling = pooling;
    Classifier model(*backend, config, DType::f64);
    model.initialize(5);
    return classify(model, std::vector<Sequence>{{std::move(tokens), {}}}).front().front();
  };
  for (const Reading reading : {Reading::forward, Reading::both}) {
    for (const Pooling pooling : {Pooling::last, Pooling::mean, Pooling::step}) {
      const double before = shares(reading, pooling, {1, 2, 3, 4});
      EXPECT_NE(before, shares(reading, pooling, {2, 2, 3, 4}));
      EXPECT_NE(before, shares(reading, pooling, {1, 2, 3, 5}));
      EXPECT_NE(before, shares(reading, pooling, {4, 3, 2, 1}));
    }
  }
  EXPECT_NE(shares(Reading::both, Pooling::last, {1, 2}),
            shares(Reading::both, Pooling::mean, {1, 2}));
}

// With Pooling::step each step speaks for itself, and a piece is what the mean of them says.
TEST(Classifier, StepsThatReadForwardKnowTheBeginningAlone) {
  const auto backend = make_backend("reference");
  ClassifierConfig config = tiny_classifier();
  config.pooling = Pooling::step;
  config.reading = Reading::forward;
  Classifier model(*backend, config, DType::f64);
  model.initialize(5);
  const std::vector<Sequence> pieces = {{{1, 2, 3}, {}}, {{1, 2, 5, 6}, {}}};
  const auto steps = log_shares(model, pieces);
  ASSERT_EQ(steps[0].size(), 3U);
  ASSERT_EQ(steps[1].size(), 4U);
  EXPECT_NEAR(steps[0][1][0], steps[1][1][0], 1e-12);
  EXPECT_NE(steps[0][2][0], steps[1][2][0]);
  double mean = 0.0;
  for (const auto& step : steps[0]) mean += std::exp(step[1]) / 3;
  EXPECT_NEAR(classify(model, pieces)[0][1], mean, 1e-12);
}

TEST(Classifier, ProbabilitiesDoNotDependOnTheBatch) {
  const auto backend = make_backend("reference");
  const Dataset data = labelled();
  Classifier model(*backend, tiny_classifier(), DType::f64);
  model.initialize(5);
  std::vector<Sequence> pieces;
  for (const Piece& piece : data[Split::train]) pieces.push_back(piece.sequence);
  for (const int batch : {1, 2, 64}) {
    const auto together = classify(model, pieces, batch);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const auto alone = classify(model, std::span(&pieces[i], 1)).front();
      EXPECT_NEAR(sum(together[i]), 1.0, 1e-12);
      for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(together[i][c], alone[c], 1e-12);
    }
  }
}

TEST(Classifier, BackendsAgree) {
  const Dataset data = labelled();
  std::vector<Sequence> pieces;
  for (const Piece& piece : data[Split::train]) pieces.push_back(piece.sequence);
  for (const Pooling pooling : {Pooling::last, Pooling::mean, Pooling::step}) {
    const auto shares = [&](const char* name) {
      const auto backend = make_backend(name);
      ClassifierConfig config = tiny_classifier();
      config.hidden = 9;
      config.pooling = pooling;
      Classifier model(*backend, config);
      model.initialize(5);
      return classify(model, pieces);
    };
    const auto expected = shares("reference");
    const auto got = shares("cpu");
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(got[i][c], expected[i][c], 1e-5);
    }
  }
}

TEST(Classifier, RefusesWhatItCannotRead) {
  const auto backend = make_backend("reference");
  Classifier model(*backend, tiny_classifier());
  const auto refuses = [&](Sequence piece, const char* part) {
    test::expect_error<ArgumentError>([&] { classify(model, std::span(&piece, 1)); }, part);
  };
  refuses({}, "piece 0 has no token");
  refuses({{1, 12}, {}}, "token 12, the vocabulary is 12");
  refuses({{1, -1}, {}}, "token -1");

  Dataset data = labelled();
  data.labels.pop_back();
  test::expect_error<ArgumentError>([&] { model.check_data(data); }, "2 labels, the model 3");
  test::expect_error<ArgumentError>([&] { model.check_data(test::tiny_tokens(12)); }, "0 labels");
  test::expect_error<ArgumentError>([&] { model.check_data(test::tiny_pairs()); }, "pairs");
}

TEST(ClassifierConfig, OneDirectionHasNoReverseWeights) {
  for (const Reading reading : {Reading::forward, Reading::both}) {
    ClassifierConfig config = tiny_classifier();
    config.reading = reading;
    const std::vector<ParameterSpec> specs = parameter_specs(config);
    const auto reverse = std::count_if(specs.begin(), specs.end(), [](const ParameterSpec& spec) {
      return spec.name.ends_with("_reverse");
    });
    EXPECT_EQ(reverse, reading == Reading::both ? 4 : 0);
    EXPECT_EQ(specs.back().name, "output.bias");
  }
}

TEST(ClassifierConfig, NamesWhatIsOutOfRange) {
  const auto refuses = [](auto&& spoil, const char* part) {
    ClassifierConfig config = tiny_classifier();
    spoil(config);
    test::expect_error<ArgumentError>([&] { config.validate(); }, part);
  };
  refuses([](ClassifierConfig& c) { c.classes = 1; }, "classes is 1");
  refuses([](ClassifierConfig& c) { c.width = 0; }, "width is 0");
  refuses([](ClassifierConfig& c) { c.layers = 0; }, "layers is 0");
  refuses([](ClassifierConfig& c) { c.dropout = 1.0; }, "dropout is 1");
  refuses([](ClassifierConfig& c) { c.label_weights = {1, 1}; }, "2 label weights, expected none");
  refuses([](ClassifierConfig& c) { c.label_weights = {1, -1, 1}; }, "label_weights is -1");
}

TEST(ClassifierFile, IsReadBackWithItsLabels) {
  const test::TmpDir folder;
  const auto backend = make_backend("reference");
  const Dataset data = labelled();
  ClassifierConfig config = tiny_classifier();
  config.cell = CellKind::gru;
  config.layers = 2;
  config.pooling = Pooling::last;
  config.reading = Reading::forward;
  config.dropout = 0.25;
  config.label_weights = {0.5, 2.25, 1.0};
  Classifier model(*backend, config);
  model.initialize(5);
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  save_model(model, *tokenizer, folder / "m", data);
  EXPECT_EQ(read_model_kind(folder / "m"), "classifier");
  const LoadedClassifier loaded = load_classifier(folder / "m", *backend);
  EXPECT_EQ(loaded.info.config, config);
  EXPECT_EQ(loaded.info.labels, data.labels);
  EXPECT_EQ(loaded.info.parameter_count, model.parameters().count());
  const std::vector<Sequence> piece = {data[Split::train][0].sequence};
  EXPECT_EQ(classify(*loaded.model, piece), classify(model, piece));
}

TEST(ClassifierFile, OfAnotherKindOrNumberOfLabelsIsRefused) {
  const test::TmpDir folder;
  const auto backend = make_backend("reference");
  const Dataset data = labelled();
  Classifier model(*backend, tiny_classifier());
  model.initialize(5);
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  save_model(model, *tokenizer, folder / "two", {.labels = {"a", "b"}});
  test::expect_error<Error>([&] { load_classifier(folder / "two", *backend); }, "2 labels");
  save_model(model, *tokenizer, folder / "m", data);
  test::expect_error<Error>([&] { load_seq2seq(folder / "m", *backend); }, "classifier");
  test::expect_error<Error>([&] { load_model(folder / "m", *backend); }, "classifier");
}

/// Pieces of two tokens in which only the order tells the label: up or down.
Dataset ups_and_downs() {
  Dataset data = {.tokenizer_name = "ids",
                  .tokenizer_settings = "vocabulary=8",
                  .step_kind = StepKind::token,
                  .vocabulary = 8,
                  .labels = {"down", "up"}};
  std::uint32_t noise = 1;
  for (int p = 0; p < 80; ++p) {
    Piece piece = {.name = std::to_string(p), .label = p % 2};
    std::int32_t token = p % 8;
    for (int t = 0; t < 6 + p % 5; ++t) {
      noise = noise * 1664525U + 1013904223U;
      piece.sequence.tokens.push_back(token);
      const std::int32_t step = 1 + static_cast<std::int32_t>(noise >> 31);
      token = (token + (piece.label == 1 ? step : 8 - step)) % 8;
    }
    data.splits[p % 10 == 0 ? 1 : p % 10 == 1 ? 2 : 0].push_back(piece);
  }
  return data;
}

class ClassifierTraining : public testing::TestWithParam<Pooling> {};

TEST_P(ClassifierTraining, LearnsWhatTheOrderOfTokensTells) {
  const test::TmpDir folder;
  const auto backend = make_backend("cpu");
  const Dataset data = ups_and_downs();
  ClassifierConfig config = {
      .width = 8, .classes = 2, .embedding = 8, .hidden = 16, .pooling = GetParam()};
  Classifier model(*backend, config);
  TrainingConfig training = {.batch_size = 16, .epochs = 30};
  training.optimizer.learning_rate = 0.01;
  Trainer(model, *make_tokenizer("ids", "vocabulary=8"), data, training, folder.path(), false)
      .run();
  const LoadedClassifier best = load_classifier(folder / "model.safetensors", *backend);
  EXPECT_EQ(best.info.labels, data.labels);
  for (const Piece& piece : data[Split::test]) {
    const auto shares = classify(*best.model, std::span(&piece.sequence, 1)).front();
    EXPECT_GT(shares[static_cast<std::size_t>(piece.label)], 0.5) << piece.name;
  }
  EXPECT_LT(evaluate(*best.model, data, Split::test).all, 0.3);
}

INSTANTIATE_TEST_SUITE_P(Poolings, ClassifierTraining,
                         testing::Values(Pooling::last, Pooling::mean, Pooling::step),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

}  // namespace
}  // namespace cadenza
