// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cadenza/evaluation.h"
#include "cadenza/file.h"
#include "cadenza/trainer.h"
#include "cadenza/vae.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"
#include "train/logged_metrics.h"

namespace cadenza {
namespace {

TrainingResult train(const std::filesystem::path& folder, bool resume,
                     const Trainer::Reporter& reporter = {}) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const Dataset data = test::tiny_tokens();
  Vae model(*backend, {.width = 12,
                       .steps = 40,
                       .embedding = 5,
                       .hidden = 8,
                       .latent = 4,
                       .segments = 4,
                       .kl_weight = 0.5,
                       .kl_warmup = 6,
                       .dropout = 0.2,
                       .word_dropout = 0.2});
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  const TrainingConfig config = {.batch_size = 3,
                                 .epochs = 15,
                                 .patience = 0,
                                 .checkpoint_seconds = 0.0,
                                 .optimizer = {.learning_rate = 1e-2}};
  return Trainer(model, *tokenizer, data, config, folder, resume).run(reporter);
}

TEST(TrainingOfCodes, ResumesToTheSameBytesAndFigures) {
  const test::TmpDir whole;
  train(whole.path(), false);
  const test::TmpDir parts;
  int runs = 0;
  for (std::string stopped_by = "request"; stopped_by == "request"; ++runs) {
    int reports = 0;
    stopped_by = train(parts.path(), runs > 0, [&](const TrainingProgress&) {
                   return ++reports < 2;
                 }).stopped_by;
  }
  EXPECT_GT(runs, 3);
  EXPECT_EQ(read_file(whole / "model.safetensors"), read_file(parts / "model.safetensors"));
  EXPECT_EQ(test::log_of(whole.path()), test::log_of(parts.path()));
}

TEST(TrainingOfCodes, TellsReconstructionAndDivergenceApart) {
  const test::TmpDir folder;
  std::optional<TrainingProgress> last;
  train(folder.path(), false, [&](const TrainingProgress& progress) {
    if (progress.validated) last = progress;
    return true;
  });
  ASSERT_TRUE(last && last->valid_code && last->train_code);
  // One validation piece of 9 tokens and its end; the weight is whole outside training.
  EXPECT_NEAR(last->valid_loss,
              last->valid_code->reconstruction + 0.5 * last->valid_code->divergence / 10, 1e-6);
  EXPECT_GT(last->valid_code->divergence, 0.0);
  // Of the 5 training pieces 4 are below 40 tokens, of which there are 19 to 39.
  EXPECT_NEAR(last->train_loss,
              last->train_code->reconstruction +
                  0.5 * last->train_code->divergence * 5 / (19 + 24 + 29 + 34 + 39 + 5),
              1e-6);
  const auto lines = test::log_of(folder.path());
  EXPECT_EQ(lines.back().at("valid_divergence"), last->valid_code->divergence);
  EXPECT_EQ(lines.back().at("train_reconstruction"), last->train_code->reconstruction);
}

TEST(Evaluate, CodesOfPiecesDoNotDependOnTheBatch) {
  const auto backend = make_backend("cpu");
  const Dataset data = test::tiny_tokens();
  Vae model(*backend, {.width = 12, .steps = 39, .embedding = 5, .hidden = 8, .latent = 4});
  model.initialize(1);
  const Likelihood alone = evaluate(model, data, Split::train, 1);
  const Likelihood together = evaluate(model, data, Split::train, 64);
  EXPECT_NEAR(together.all, alone.all, 1e-5);
  EXPECT_NEAR(together.divergence, alone.divergence, 1e-5);
  EXPECT_NEAR(together.reconstruction, alone.reconstruction, 1e-5);
  EXPECT_GT(alone.divergence, 0.0);
  EXPECT_EQ(alone.steps, 19 + 24 + 29 + 34 + 39 + 4) << "the longest has no end of its own";
}

}  // namespace
}  // namespace cadenza
