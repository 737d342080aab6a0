// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/gan.h"
#include "cadenza/generator.h"
#include "cadenza/trainer.h"
#include "nn/host_copy.h"
#include "support/expect_error.h"
#include "support/expect_slopes.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"
#include "train/batches.h"
#include "train/gan_lessons.h"
#include "train/logged_metrics.h"

namespace cadenza {
namespace {

GanConfig tiny_config(int width = 12) {
  return {.generator = {.width = width, .embedding = 5, .hidden = 8, .dropout = 0.2},
          .discriminator = {.width = width, .classes = 2, .embedding = 4, .hidden = 5},
          .pretraining = 4,
          .discriminator_pretraining = 3};
}

std::vector<Sequence> some_pieces() { return {{{1, 2, 2}, {}}, {{0}, {}}, {{2, 0}, {}}}; }

double sum_of_losses(Model& model, const Batch& batch, GradMode mode) {
  Arena arena(model.backend());
  Tape tape(model.backend(), arena, model.parameters().dtype(), mode);
  const std::vector<Tensor> state = model.make_state(batch.rows);
  const auto rows = download_real(model.backend(), model.loss(tape, batch, state, {}, 1.0));
  tape.backward();
  return std::accumulate(rows.begin(), rows.end(), 0.0);
}

TEST(GanLessons, GradientsOfTheGeneratorMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  for (const CellInfo& cell : cells()) {
    LanguageModelConfig config = tiny_config(3).generator;
    config.cell = cell.kind;
    LanguageModel model(*backend, config, DType::f64);
    model.initialize(5);
    const Batch batch =
        weighted_pieces(some_pieces(), {{-0.5, 2.0, 0.25}, {-1.5}, {0.75, 0.0}}, 4, 3);
    test::expect_slopes(
        model.parameters(), [&](GradMode mode) { return sum_of_losses(model, batch, mode); },
        std::string(cell.name));
  }
}

TEST(GanLessons, GradientsOfTheDiscriminatorMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  for (const Pooling pooling : {Pooling::last, Pooling::mean, Pooling::step}) {
    ClassifierConfig config = tiny_config(3).discriminator;
    config.pooling = pooling;
    Classifier model(*backend, config, DType::f64);
    model.initialize(5);
    const Batch batch = labelled_pieces(some_pieces(), std::vector<Sequence>{{{0, 1}, {}}}, 3);
    test::expect_slopes(
        model.parameters(), [&](GradMode mode) { return sum_of_losses(model, batch, mode); },
        std::string(name_of(pooling)));
  }
}

// With every piece of two tokens in the batch, each weighing its own probability, the estimate of
// the gradient is the gradient of the expected reward itself.
TEST(GanLessons, PolicyGradientIsThatOfTheExpectedReward) {
  const auto backend = make_backend("reference");
  LanguageModelConfig config = tiny_config(3).generator;
  config.dropout = 0.0;
  LanguageModel model(*backend, config, DType::f64);
  model.initialize(5);
  std::vector<Sequence> pieces;
  StepValues ones;
  for (std::int32_t a = 0; a < 3; ++a) {
    for (std::int32_t b = 0; b < 3; ++b) pieces.push_back({{a, b}, {}});
  }
  ones.assign(pieces.size(), {1.0, 1.0});
  const auto rows = static_cast<std::int64_t>(pieces.size());
  const std::vector<double> rewards = {-0.1, -2.0, -0.7, -0.3, -1.1, -0.2, -0.9, -3.0, -0.5};

  const auto probabilities = [&] {
    Arena arena(*backend);
    Tape tape(*backend, arena, DType::f64, GradMode::none);
    const std::vector<Tensor> state = model.make_state(rows);
    const Batch batch = weighted_pieces(pieces, ones, rows, 3);
    const auto losses = download_real(*backend, model.loss(tape, batch, state, {}, 1.0));
    std::vector<double> p;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      p.push_back(std::exp(-losses[i] - losses[pieces.size() + i]));
    }
    return p;
  };
  const auto expected_loss = [&](GradMode mode) {
    const std::vector<double> p = probabilities();
    if (mode == GradMode::record) {
      StepValues weights;
      for (std::size_t i = 0; i < p.size(); ++i) weights.emplace_back(2, p[i] * rewards[i]);
      // Weights are f32 on the host: close, not equal.
      sum_of_losses(model, weighted_pieces(pieces, weights, rows, 3), mode);
    }
    return -std::inner_product(p.begin(), p.end(), rewards.begin(), 0.0);
  };
  test::expect_slopes(model.parameters(), expected_loss, "policy");
}

TEST(GanLessons, AdvantagesAreReturnsLessTheMeanOfTheOthers) {
  const std::vector<Sequence> pieces = {{{1, 1, 1}, {}}, {{1}, {}}};
  const StepValues whole = advantages({{-1.0}, {-3.0}}, pieces, 0.5);
  EXPECT_EQ(whole, (StepValues{{1.0, 0.0, 0.0}, {-1.0}})) << "alone in later steps";

  const std::vector<Sequence> pair = {{{1, 1, 1}, {}}, {{1, 1, 1}, {}}};
  const StepValues steps = advantages({{-1.0, -2.0, -4.0}, {0.0, 0.0, 0.0}}, pair, 0.5);
  // Returns of the first: -4, (-2 - 2) / 1.5 and (-1 - 1 - 1) / 1.75; half of them is the baseline.
  EXPECT_DOUBLE_EQ(steps[0][2], -2.0);
  EXPECT_DOUBLE_EQ(steps[0][1], -4.0 / 1.5 / 2);
  EXPECT_DOUBLE_EQ(steps[0][0], -3.0 / 1.75 / 2);
  EXPECT_DOUBLE_EQ(steps[1][0], 3.0 / 1.75 / 2);
  EXPECT_EQ(advantages({{-1.0, -2.0, -4.0}, {0.0, 0.0, 0.0}}, pair, 0.0)[0],
            (std::vector{-0.5, -1.0, -2.0}))
      << "without a future";
}

TEST(GanLessons, EveryPieceWeighsTheSameToTheDiscriminator) {
  const std::vector<Sequence> drawn = {{{0, 0, 0, 0}, {}}};
  const Batch batch = labelled_pieces(some_pieces(), drawn, 3);
  EXPECT_EQ(batch.rows, 4);
  EXPECT_EQ(batch.steps, 4);
  EXPECT_EQ(batch.predicted, 4);
  EXPECT_EQ(batch.labels, (std::vector{1, 1, 1, 0}));
  EXPECT_EQ(batch.lengths, (std::vector{3, 1, 2, 4}));
  for (std::size_t b = 0; b < 4; ++b) {
    float sum = 0;
    for (std::size_t t = 0; t < 4; ++t) sum += batch.weights[t * 4 + b];
    EXPECT_FLOAT_EQ(sum, 1.0F);
  }
}

/// Keeps what a model asks for.
class Notebook final : public Teacher {
 public:
  explicit Notebook(std::vector<double> last_losses =
                        std::vector<double>(3, std::numeric_limits<double>::infinity()))
      : last_losses_(std::move(last_losses)) {}
  const Tokenizer& tokenizer() const override { return *tokenizer_; }
  void update(std::size_t objective, const Batch& batch, std::optional<double>) override {
    objectives.push_back(objective);
    batches.push_back(batch);
  }
  double last_loss(std::size_t objective) const override { return last_losses_[objective]; }

  std::vector<std::size_t> objectives;
  std::vector<Batch> batches;

 private:
  std::unique_ptr<Tokenizer> tokenizer_ = make_tokenizer("ids", "vocabulary=12");
  std::vector<double> last_losses_;
};

Batch batch_of_data(const Dataset& data, std::int64_t rows) {
  return *EpochBatches(batch_source(data, Split::train, rows, 1, 1), {0, 2}, false).next();
}

std::vector<std::size_t> lessons_at(std::uint32_t step, const GanConfig& config,
                                    Notebook notebook = Notebook()) {
  const auto backend = make_backend("cpu");
  Gan model(*backend, config);
  model.initialize(1);
  model.train_step(batch_of_data(test::tiny_tokens(), 3), {.seed = 1, .step = step}, notebook);
  return notebook.objectives;
}

TEST(GanTraining, GoesThroughItsPhases) {
  using Lessons = std::vector<std::size_t>;  // 0 likelihood, 1 generator, 2 discriminator
  GanConfig config = tiny_config();
  config.likelihood_every = 2;
  EXPECT_EQ(lessons_at(3, config), (Lessons{0}));
  EXPECT_EQ(lessons_at(4, config), (Lessons{2}));
  EXPECT_EQ(lessons_at(7, config), (Lessons{2, 1, 0}));
  EXPECT_EQ(lessons_at(8, config), (Lessons{2, 1}));
  config.likelihood_every = 0;
  config.generator_updates = 2;
  config.discriminator_updates = 3;
  EXPECT_EQ(lessons_at(7, config), (Lessons{2, 2, 2, 1, 1}));
}

TEST(GanTraining, DiscriminatorRestsWhileItIsAhead) {
  using Lessons = std::vector<std::size_t>;
  GanConfig config = tiny_config();
  config.likelihood_every = 0;
  const auto lessons = [&](double generator, double discriminator) {
    return lessons_at(7, config, Notebook({1.0, generator, discriminator}));
  };
  EXPECT_EQ(lessons(5.0, 0.01), (Lessons{2, 1})) << "not asked to";
  config.discriminator_rest = 0.5;
  EXPECT_EQ(lessons_at(7, config), (Lessons{2, 1})) << "before there is a loss";
  EXPECT_EQ(lessons(1.0, 0.51), (Lessons{2, 1}));
  EXPECT_EQ(lessons(1.0, 0.49), (Lessons{1}));
}

TEST(GanTraining, DrawsPiecesAsLongAsTheRealOnes) {
  const auto backend = make_backend("cpu");
  Gan model(*backend, tiny_config());
  model.initialize(1);
  const Dataset data = test::tiny_tokens();
  const Batch batch = batch_of_data(data, 3);  // the last row is empty
  Notebook notebook;
  model.train_step(batch, {.seed = 1, .step = 9}, notebook);
  const Batch& judged = notebook.batches[0];
  EXPECT_EQ(judged.rows, 4);
  EXPECT_EQ(judged.lengths,
            (std::vector{batch.lengths[0], batch.lengths[1], batch.lengths[0], batch.lengths[1]}));
  EXPECT_EQ(judged.target_ids[0], data[Split::train][0].sequence.tokens[0]);
  const Batch& policy = notebook.batches[1];
  EXPECT_EQ(policy.rows, 3);
  EXPECT_EQ(policy.lengths, batch.lengths);
  EXPECT_EQ(policy.predicted, batch.predicted);
  EXPECT_EQ(policy.input_ids[0], -1);
  EXPECT_EQ(policy.input_ids[3], policy.target_ids[0]);
  const auto drawn = [](const Batch& from, std::size_t row) {
    std::vector<std::int32_t> tokens;
    for (std::int32_t t = 0; t < from.lengths[row]; ++t) {
      tokens.push_back(from.target_ids[static_cast<std::size_t>(t * from.rows) + row]);
    }
    return tokens;
  };
  EXPECT_NE(drawn(judged, 2), drawn(policy, 0)) << "drawn anew for each lesson";
}

TrainingConfig tiny_training(std::int64_t steps) {
  return {.batch_size = 3,
          .epochs = 0,
          .steps = steps,
          .validate_every = 6,
          .patience = 1,
          .checkpoint_seconds = 0.0,
          .optimizer = {.learning_rate = 1e-2}};
}

TrainingResult train(Gan& model, const Dataset& data, std::int64_t steps,
                     const std::filesystem::path& folder, bool resume = false,
                     const Trainer::Reporter& reporter = {}) {
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  return Trainer(model, *tokenizer, data, tiny_training(steps), folder, resume).run(reporter);
}

TEST(GanTraining, ResumesToTheSameBytesAndFigures) {
  GanConfig config = tiny_config();
  config.discriminator.pooling = Pooling::step;
  config.discriminator.reading = Reading::forward;
  config.discriminator_rest = 1.0;
  const Dataset data = test::tiny_tokens();
  const auto run = [&](const std::filesystem::path& folder, bool resume,
                       const Trainer::Reporter& reporter = {}) {
    const auto backend = make_backend("cpu", {.threads = 1});
    Gan model(*backend, config);
    return train(model, data, 45, folder, resume, reporter).stopped_by;
  };
  const test::TmpDir whole;
  EXPECT_EQ(run(whole.path(), false), "steps") << "a worse likelihood is no reason to stop";
  const test::TmpDir parts;
  int runs = 0;
  for (std::string stopped_by = "request"; stopped_by == "request"; ++runs) {
    int reports = 0;
    stopped_by =
        run(parts.path(), runs > 0, [&](const TrainingProgress&) { return ++reports < 2; });
  }
  EXPECT_GT(runs, 3);
  EXPECT_EQ(read_file(whole / "model.safetensors"), read_file(parts / "model.safetensors"));
  EXPECT_EQ(test::log_of(whole.path()), test::log_of(parts.path()));
}

TEST(GanTraining, RecordsTheLossesOfBothPlayers) {
  const auto backend = make_backend("cpu");
  Gan model(*backend, tiny_config());
  const test::TmpDir folder;
  train(model, test::tiny_tokens(), 40, folder.path());
  const auto lines = test::log_of(folder.path());
  EXPECT_TRUE(lines.front().contains("likelihood_loss"));
  for (const char* key :
       {"generator_loss", "discriminator_loss", "likelihood_loss", "valid_loss"}) {
    ASSERT_TRUE(lines.back().contains(key)) << key;
    EXPECT_TRUE(std::isfinite(lines.back()[key].get<double>())) << key;
    EXPECT_GT(lines.back()[key].get<double>(), 0.0) << key;
  }
  EXPECT_FALSE(lines.back().contains("train_loss"));
}

std::vector<double> values_of(Model& model) {
  return download_real(model.backend(), model.parameters().values());
}

TEST(GanTraining, OnePlayersUpdatesLeaveTheOtherAlone) {
  const auto backend = make_backend("cpu");
  Gan fresh(*backend, tiny_config());
  fresh.initialize(1);
  const auto trained = [&](GanConfig config, std::int64_t steps, bool generator,
                           bool discriminator) {
    const test::TmpDir folder;
    Gan model(*backend, config);
    train(model, test::tiny_tokens(), steps, folder.path());
    EXPECT_EQ(values_of(model.generator()) != values_of(fresh.generator()), generator);
    EXPECT_EQ(values_of(model.discriminator()) != values_of(fresh.discriminator()), discriminator);
  };
  GanConfig config = tiny_config();
  trained(config, 4, true, false);
  config.pretraining = 0;
  trained(config, 3, false, true);
  config.discriminator_pretraining = 0;
  config.discriminator_rate = 0.0;
  config.likelihood_every = 0;
  trained(config, 3, true, false);
  config.discriminator_rate = 1.0;
  config.generator_rate = 0.0;
  trained(config, 3, false, true);
}

/// Pieces of one token, another in each.
Dataset drones() {
  Dataset data = {.tokenizer_name = "ids",
                  .tokenizer_settings = "vocabulary=6",
                  .step_kind = StepKind::token,
                  .vocabulary = 6};
  for (std::int32_t p = 0; p < 24; ++p) {
    Piece piece = {.name = "p", .sequence = {std::vector<std::int32_t>(6, p % 2 + 3), {}}};
    data[Split::train].push_back(piece);
  }
  return data;
}

// From the discriminator's word alone, without ever being shown a true token.
TEST(GanTraining, GeneratorLearnsToPleaseTheDiscriminator) {
  for (const Pooling pooling : {Pooling::mean, Pooling::step}) {
    const auto backend = make_backend("cpu");
    GanConfig config = tiny_config(6);
    config.generator.dropout = 0.0;
    config.generator.hidden = 16;
    config.discriminator.pooling = pooling;
    config.pretraining = config.discriminator_pretraining = config.likelihood_every = 0;
    config.generator_rate = 1.0;
    config.discriminator_rate = 0.3;
    Gan model(*backend, config);
    const Dataset data = drones();
    const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
    TrainingConfig training = tiny_training(300);
    training.batch_size = 24;
    const test::TmpDir folder;
    Trainer(model, *tokenizer, data, training, folder.path(), false).run();
    int real = 0;
    for (const Generated& piece : Generator(model.generator(), *tokenizer)
                                      .run({.num_outputs = 50, .num_steps = 6, .seed = 9})) {
      for (const std::int32_t token : piece.sequence.tokens) real += token == 3 || token == 4;
    }
    EXPECT_GT(real, 270) << "of 300 tokens, " << name_of(pooling);
  }
}

TEST(GanTraining, RefusesAnEmptyTrainingSplit) {
  const auto backend = make_backend("cpu");
  Gan model(*backend, tiny_config());
  Dataset data = test::tiny_tokens();
  data[Split::train].clear();
  const test::TmpDir folder;
  test::expect_error<ArgumentError>([&] { train(model, data, 5, folder / "run"); },
                                    "the training split is empty");
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

}  // namespace
}  // namespace cadenza
