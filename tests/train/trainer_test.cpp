// SPDX-License-Identifier: Apache-2.0
#include "cadenza/trainer.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/file.h"
#include "cadenza/language_model.h"
#include "cadenza/safetensors.h"
#include "cadenza/seq2seq.h"
#include "support/sanitizer.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

struct Experiment {
  Dataset data = test::tiny_tokens();
  LanguageModelConfig architecture = {.head = Head::softmax,
                                      .width = 12,
                                      .embedding = 5,
                                      .cell = CellKind::lstm,
                                      .layers = 2,
                                      .hidden = 9,
                                      .dropout = 0.2};
  TrainingConfig config = {.batch_size = 3,
                           .sequence_length = 6,
                           .epochs = 8,
                           .patience = 0,
                           .optimizer = {.learning_rate = 1e-2, .clip_norm = 1.0},
                           .schedule = {.kind = ScheduleKind::cosine, .warmup_steps = 5}};
};

TrainingResult train(const Experiment& experiment, const std::filesystem::path& folder,
                     bool resume = false, const Trainer::Reporter& reporter = {}) {
  const auto backend = make_backend("auto", {.threads = 1});
  LanguageModel model(*backend, experiment.architecture);
  const auto tokenizer =
      make_tokenizer(experiment.data.tokenizer_name, experiment.data.tokenizer_settings);
  Trainer trainer(model, *tokenizer, experiment.data, experiment.config, folder, resume);
  return trainer.run(reporter);
}

double test_loss(const Experiment& experiment, const std::filesystem::path& folder, int batch = 64,
                 const char* backend_name = "auto") {
  const auto backend = make_backend(backend_name);
  const LoadedModel loaded = load_model(folder / "model.safetensors", *backend);
  return evaluate(*loaded.model, experiment.data, Split::test, batch, 7).all;
}

TEST(Trainer, LearnsEveryCellAndHead) {
  for (const CellInfo& cell : cells()) {
    for (const Head head : {Head::softmax, Head::bernoulli, Head::nade}) {
      const test::TmpDir folder;
      Experiment experiment;
      if (head != Head::softmax) {
        experiment.data = test::tiny_frames();
        experiment.architecture.width = 88;
        experiment.architecture.embedding = 0;
      }
      experiment.architecture.head = head;
      experiment.architecture.cell = cell.kind;
      experiment.architecture.layers = 1;
      experiment.architecture.hidden = 16;
      experiment.data[Split::valid] = experiment.data[Split::train];
      experiment.architecture.dropout = 0.0;
      experiment.config.epochs = 30;
      const TrainingResult result = train(experiment, folder.path());
      // Uniform guessing costs ln 12 = 2.48 nats a token and 88 ln 2 = 61 a frame.
      EXPECT_LT(result.best_valid_loss, head == Head::softmax ? 1.2 : 6.0)
          << cell.name << " " << name_of(head);
    }
  }
}

TEST(Trainer, ResumesToTheSameBytes) {
  for (const bool looks_back : {false, true}) {
    Experiment experiment;
    if (looks_back) {
      experiment.architecture.attention_length = 4;
      experiment.architecture.lookback = {3, 8};
      experiment.architecture.position_bits = 2;
    }
    experiment.config.checkpoint_seconds = 0.0;
    const test::TmpDir whole;
    train(experiment, whole.path());
    const test::TmpDir parts;
    int stops = 0;
    for (std::string stopped_by = "request"; stopped_by == "request"; ++stops) {
      int reports = 0;
      stopped_by = train(experiment, parts.path(), stops > 0, [&](const TrainingProgress&) {
                     return ++reports < 2;
                   }).stopped_by;
    }
    EXPECT_GT(stops, 3);
    EXPECT_EQ(read_file(whole / "model.safetensors"), read_file(parts / "model.safetensors"));
  }
}

// Pairs are read whole, in an order of their own each epoch, and drop out by update and place.
TEST(Trainer, ResumesPairsToTheSameBytes) {
  Experiment experiment;
  experiment.data = test::tiny_pairs();
  experiment.config.checkpoint_seconds = 0.0;
  const auto tokenizer =
      make_tokenizer(experiment.data.tokenizer_name, experiment.data.tokenizer_settings);
  const auto train_pairs = [&](const std::filesystem::path& folder, bool resume,
                               const Trainer::Reporter& reporter) {
    const auto backend = make_backend("auto", {.threads = 1});
    Seq2Seq model(*backend, {.source_width = 11,
                             .width = 12,
                             .embedding = 4,
                             .hidden = 8,
                             .dropout = 0.2,
                             .own_tokens = 0.5,
                             .own_tokens_slope = 5});
    return Trainer(model, *tokenizer, experiment.data, experiment.config, folder, resume)
        .run(reporter);
  };
  const test::TmpDir whole;
  train_pairs(whole.path(), false, {});
  const test::TmpDir parts;
  int stops = 0;
  for (std::string stopped_by = "request"; stopped_by == "request"; ++stops) {
    int reports = 0;
    stopped_by = train_pairs(parts.path(), stops > 0, [&](const TrainingProgress&) {
                   return ++reports < 2;
                 }).stopped_by;
  }
  EXPECT_GT(stops, 3);
  EXPECT_EQ(read_file(whole / "model.safetensors"), read_file(parts / "model.safetensors"));
}

// Whoever asks for so many updates wants the model they lead to, or a better one before.
TEST(Trainer, ValidatesAfterTheLastStep) {
  Experiment experiment;
  experiment.config.steps = 2;
  experiment.config.validate_every = 100;
  const test::TmpDir folder;
  EXPECT_TRUE(std::isfinite(train(experiment, folder.path()).best_valid_loss));
  EXPECT_TRUE(std::filesystem::exists(folder / "model.safetensors"));
}

std::ptrdiff_t line_count(const std::filesystem::path& path) {
  std::ifstream in(path);
  return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
}

// Trains in a child process that is killed at arbitrary moments and resumed until it finishes;
// returns the number of kills.
int train_with_kills(const Experiment& experiment, const std::filesystem::path& folder,
                     std::uint32_t& noise) {
  for (int kills = 0;; ++kills) {
    const pid_t child = fork();
    if (child == 0) {
      train(experiment, folder, true);
      _exit(0);
    }
    noise = noise * 1664525U + 1013904223U;
    usleep(3000 + (noise >> 16) % 30000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (std::filesystem::exists(folder / "last.safetensors")) {
      EXPECT_NO_THROW(SafetensorsReader(folder / "last.safetensors"));
    }
    if (WIFEXITED(status)) return kills;
  }
}

// Fifty kills (five under sanitizers, whose processes are slow to start), however many runs that
// takes; each run ends as if nothing had happened.
TEST(Trainer, SurvivesSigkillAtAnyMoment) {
  Experiment experiment;
  experiment.config.checkpoint_seconds = 0.0;
  experiment.config.epochs = 30;
  const test::TmpDir whole;
  train(experiment, whole.path());
  std::uint32_t noise = 12345;
  for (int kills = 0; kills < (test::kSanitized ? 5 : 50);) {
    const test::TmpDir killed;
    kills += train_with_kills(experiment, killed.path(), noise);
    ASSERT_EQ(read_file(whole / "model.safetensors"), read_file(killed / "model.safetensors"));
    ASSERT_EQ(line_count(whole / "metrics.jsonl"), line_count(killed / "metrics.jsonl"));
  }
}

TEST(Trainer, StopsWithTheStepWhenTheLossIsNotFinite) {
  const test::TmpDir folder;
  Experiment experiment;
  experiment.config.optimizer.kind = OptimizerKind::sgd;
  experiment.config.optimizer.learning_rate = 1e30;
  experiment.config.optimizer.clip_norm = 0;
  experiment.architecture.cell = CellKind::rnn_relu;
  try {
    train(experiment, folder.path());
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("step"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("checkpoint"), std::string::npos) << error.what();
  }
}

TEST(Trainer, StopsAfterItsPatience) {
  const test::TmpDir folder;
  Experiment experiment;
  experiment.config.optimizer.learning_rate = 1e-12;
  experiment.config.epochs = 100;
  experiment.config.patience = 3;
  const TrainingResult result = train(experiment, folder.path());
  EXPECT_EQ(result.stopped_by, "patience");
  EXPECT_LT(result.epochs, 100);
}

TEST(Trainer, RefusesToResumeOnOtherDataOrSettings) {
  const test::TmpDir folder;
  Experiment experiment;
  experiment.config.epochs = 1;
  train(experiment, folder.path());
  Experiment other_data = experiment;
  other_data.data[Split::train][0].sequence.tokens[3] ^= 1;
  EXPECT_THROW(train(other_data, folder.path(), true), ArgumentError);
  Experiment other_settings = experiment;
  other_settings.config.optimizer.learning_rate *= 2;
  EXPECT_THROW(train(other_settings, folder.path(), true), ArgumentError);
  Experiment other_model = experiment;
  other_model.architecture.hidden += 1;
  EXPECT_THROW(train(other_model, folder.path(), true), ArgumentError);
  Experiment longer = experiment;
  longer.config.epochs = 2;
  longer.config.schedule.kind = experiment.config.schedule.kind;
  EXPECT_EQ(train(longer, folder.path(), true).epochs, 2);
}

TEST(Trainer, RefusesDataOfAnotherVocabulary) {
  const test::TmpDir folder;
  Experiment experiment;
  for (const int vocabulary : {11, 13}) {
    experiment.data.vocabulary = vocabulary;
    EXPECT_THROW(train(experiment, folder.path()), ArgumentError);
  }
}

TEST(Evaluate, DoesNotDependOnBatchSizeOrBackend) {
  for (const bool frames : {false, true}) {
    const test::TmpDir folder;
    Experiment experiment;
    if (frames) {
      experiment.data = test::tiny_frames();
      experiment.architecture.width = 88;
      experiment.architecture.embedding = 0;
      experiment.architecture.head = Head::nade;
    }
    experiment.config.epochs = 3;
    // Several test pieces of different lengths, so that there is padding to be masked.
    experiment.data[Split::test] = experiment.data[Split::train];
    train(experiment, folder.path());
    const double alone = test_loss(experiment, folder.path(), 1);
    EXPECT_NEAR(test_loss(experiment, folder.path(), 3), alone, 1e-5);
    EXPECT_NEAR(test_loss(experiment, folder.path(), 64), alone, 1e-5);
    EXPECT_NEAR(test_loss(experiment, folder.path(), 64, "reference"), alone, 1e-5);
  }
}

TEST(Evaluate, ReadingsFollowTheirDefinitions) {
  // An untrained model whose weights are all zero gives every token 1 / V.
  const auto backend = make_backend("reference");
  LanguageModel model(*backend, Experiment().architecture);
  const Dataset data = test::tiny_tokens();
  const Likelihood result = evaluate(model, data, Split::train);
  EXPECT_NEAR(result.all, std::log(12.0), 1e-6);
  EXPECT_NEAR(result.skip_first, std::log(12.0), 1e-6);
  EXPECT_NEAR(result.piece_mean, std::log(12.0), 1e-6);
  EXPECT_EQ(result.steps, static_cast<std::int64_t>(step_count(data[Split::train])));
  EXPECT_EQ(result.pieces, static_cast<std::int64_t>(data[Split::train].size()));
}

}  // namespace
}  // namespace cadenza
