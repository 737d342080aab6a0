// SPDX-License-Identifier: Apache-2.0
#include "cadenza/event_gan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/language_model.h"
#include "cadenza/trainer.h"
#include "io/json.h"
#include "models/closeness.h"
#include "models/event_pass.h"
#include "nn/host_copy.h"
#include "support/expect_error.h"
#include "support/expect_slopes.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

EventGanConfig tiny_event_gan() {
  return {.tokenizer_name = "ids",
          .tokenizer_settings = "vocabulary=12",
          .events = 6,
          .hidden = 5,
          .noise = 2,
          .discriminator_layers = 1,
          .discriminator_hidden = 4,
          .pretraining = 4};
}

std::vector<std::vector<NoteEvent>> some_pieces() {
  return {{{60, 1.0, 80, 0.0}, {64, 0.5, 70, 1.0}, {62, 0.25, 60, 0.5}}, {{48, 2.0, 64, 0.0}}};
}

/// Pieces as a lesson has them, with numbers for noise.
Batch lesson(int width) {
  Batch batch = event_batch(some_pieces(), 6);
  batch.input_frames.assign(static_cast<std::size_t>(batch.steps * batch.rows * width), 0.0F);
  std::uint32_t noise = 1;
  for (float& number : batch.input_frames) {
    noise = noise * 1664525U + 1013904223U;
    number = static_cast<float>(noise >> 8) / static_cast<float>(1 << 23) - 1.0F;
  }
  return batch;
}

using Loss = TensorView (EventGan::*)(Tape&, const Batch&, double);

double sum_of_losses(EventGan& model, Loss loss, const Batch& batch, GradMode mode) {
  Arena arena(model.backend());
  Tape tape(model.backend(), arena, model.parameters().dtype(), mode);
  const auto rows = download_real(model.backend(), (model.*loss)(tape, batch, 1.0));
  tape.backward();
  return std::accumulate(rows.begin(), rows.end(), 0.0);
}

void expect_gradients(const EventGanConfig& config, const std::string& what) {
  const auto backend = make_backend("reference");
  EventGan model(*backend, config, DType::f64);
  model.initialize(5);
  const auto expect = [&](Parameters& parameters, Loss loss, int width) {
    const Batch batch = lesson(width);
    test::expect_slopes(
        parameters, [&](GradMode mode) { return sum_of_losses(model, loss, batch, mode); }, what);
  };
  expect(model.parameters(), &EventGan::pretraining_loss, config.inputs());
  expect(model.parameters(), &EventGan::generator_loss, config.noise);
  expect(model.discriminator(), &EventGan::discriminator_loss, config.noise);
}

TEST(EventGan, GradientsOfEveryLossMatchFiniteDifferences) {
  for (const CellInfo& cell : cells()) {
    for (const WordLoss word_loss : {WordLoss::sigmoid, WordLoss::squared}) {
      EventGanConfig config = tiny_event_gan();
      config.cell = config.discriminator_cell = cell.kind;
      config.word_loss = word_loss;
      expect_gradients(config, message(cell.name, " ", name_of(word_loss)));
    }
  }
  EventGanConfig config = tiny_event_gan();
  config.feedback = Feedback::no;
  expect_gradients(config, "no feedback");
  config.feedback = Feedback::yes;
  config.aim = Aim::features;
  expect_gradients(config, "features");
  config.aim = Aim::words;
  config.kernels = 2;
  expect_gradients(config, "kernels");
}

// The same piece twice is as close as can be, to every kernel.
TEST(EventGan, KernelsMeasureHowClosePiecesAre) {
  const auto backend = make_backend("reference");
  std::vector<ParameterSpec> specs;
  add_closeness_specs(specs, 2, 1);
  Parameters parameters(*backend, DType::f64, specs);
  parameters.upload("closeness.weight", {1, 0, 0, 1, 1, 1, 0, 0, 0, 0});
  Arena arena(*backend);
  const auto close = [&](const std::vector<float>& pieces) {
    Tape tape(*backend, arena, DType::f64, GradMode::none);
    const auto rows = static_cast<std::int64_t>(pieces.size() / 2);
    Variable& x = tape.constant(tape.upload(std::span(pieces), {rows, 2}));
    return download_real(*backend, closeness(tape, parameters, x, 1).value());
  };
  for (const double value : close({3, -1, 3, -1})) EXPECT_NEAR(value, 1.0, 1e-12);
  // Numbers (0, 0, 0) and (1, -2, -1): 4 apart.
  const double apart = 2.0 / (1.0 + std::exp(4.0));
  for (const double value : close({0, 0, 1, -2})) EXPECT_NEAR(value, (1.0 + apart) / 2, 1e-12);
}

TEST(EventGan, BatchesHoldTheEventsOfPieces) {
  std::vector<std::vector<NoteEvent>> pieces = some_pieces();
  pieces.insert(pieces.begin(), std::vector<NoteEvent>());
  const Batch batch = event_batch(pieces, 2);
  EXPECT_EQ(batch.rows, 2) << "without the empty piece";
  EXPECT_EQ(batch.piece, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(batch.lengths, (std::vector{2, 1})) << "cut at two events";
  const auto numbers = to_numbers(pieces[1][0]);
  EXPECT_TRUE(std::equal(numbers.begin(), numbers.end(), batch.target_frames.begin()));
  EXPECT_EQ(batch.input_frames[0], 0.0F);
  EXPECT_TRUE(std::equal(numbers.begin(), numbers.end(), batch.input_frames.begin() + 8));
  EXPECT_EQ(batch.weights, (std::vector{1.0F, 1.0F, 1.0F, 0.0F}));
}

TEST(EventGan, PiecesDoNotDependOnTheBatchOrBackend) {
  for (const Feedback feedback : {Feedback::no, Feedback::yes}) {
    EventGanConfig config = tiny_event_gan();
    config.feedback = feedback;
    const auto pieces = [&](const char* name, const ComposeRequest& request) {
      const auto backend = make_backend(name);
      EventGan model(*backend, config);
      model.initialize(5);
      return compose(model, request);
    };
    const auto all = pieces("cpu", {.num_outputs = 5, .num_events = 7, .seed = 3});
    EXPECT_EQ(pieces("cpu", {.num_outputs = 5, .num_events = 7, .seed = 3, .batch_size = 2}), all);
    EXPECT_EQ(pieces("cpu", {.first_sequence = 3, .num_events = 7, .seed = 3})[0], all[3]);
    EXPECT_NE(all[0], all[1]);
    const auto slow = pieces("reference", {.num_outputs = 5, .num_events = 7, .seed = 3});
    for (std::size_t t = 0; t < 7; ++t) {
      EXPECT_NEAR(slow[4][t].pitch, all[4][t].pitch, 1e-3);
      EXPECT_NEAR(slow[4][t].since, all[4][t].since, 1e-3);
    }
  }
}

TEST(EventGan, TemperatureScalesTheNoise) {
  const auto backend = make_backend("cpu");
  EventGan model(*backend, tiny_event_gan());
  model.initialize(5);
  const auto spread = [&](double temperature) {
    const auto pieces =
        compose(model, {.num_outputs = 16, .num_events = 3, .seed = 3, .temperature = temperature});
    double least = 127.0;
    double most = 0.0;
    for (const std::vector<NoteEvent>& piece : pieces) {
      least = std::min(least, piece[2].pitch);
      most = std::max(most, piece[2].pitch);
    }
    return most - least;
  };
  EXPECT_EQ(spread(0.0), 0.0) << "without noise all pieces are the same";
  EXPECT_LT(spread(0.5), spread(1.0));
  EXPECT_LT(spread(1.0), spread(2.0));
  test::expect_error<ArgumentError>([&] { compose(model, {.temperature = -1.0}); },
                                    "temperature is -1");
}

TrainingResult train(EventGan& model, const Dataset& data, std::int64_t steps,
                     const std::filesystem::path& folder, bool resume = false,
                     const Trainer::Reporter& reporter = {}) {
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  const TrainingConfig config = {.batch_size = 3,
                                 .epochs = 0,
                                 .steps = steps,
                                 .validate_every = 6,
                                 .patience = 1,
                                 .checkpoint_seconds = 0.0,
                                 .optimizer = {.learning_rate = 1e-2}};
  return Trainer(model, *tokenizer, data, config, folder, resume).run(reporter);
}

TEST(EventGanTraining, ResumesToTheSameBytes) {
  EventGanConfig config = tiny_event_gan();
  config.discriminator_rest = 1.0;
  const Dataset data = test::tiny_tokens();
  const auto run = [&](const std::filesystem::path& folder, bool resume,
                       const Trainer::Reporter& reporter = {}) {
    const auto backend = make_backend("cpu", {.threads = 1});
    EventGan model(*backend, config);
    return train(model, data, 45, folder, resume, reporter).stopped_by;
  };
  const test::TmpDir whole;
  EXPECT_EQ(run(whole.path(), false), "steps");
  const test::TmpDir parts;
  int runs = 0;
  for (std::string stopped_by = "request"; stopped_by == "request"; ++runs) {
    int reports = 0;
    stopped_by =
        run(parts.path(), runs > 0, [&](const TrainingProgress&) { return ++reports < 2; });
  }
  EXPECT_GT(runs, 3);
  EXPECT_EQ(read_file(whole / "model.safetensors"), read_file(parts / "model.safetensors"));
  std::ifstream log(whole / "metrics.jsonl");
  std::string line;
  while (std::getline(log, line) && log.peek() != EOF) {
  }
  const auto last = parse_json(line);
  for (const char* key : {"generator_loss", "discriminator_loss", "valid_loss"}) {
    EXPECT_TRUE(last.contains(key) && std::isfinite(last[key].get<double>())) << key;
  }
}

TEST(EventGanTraining, OnePlayersUpdatesLeaveTheOtherAlone) {
  const auto backend = make_backend("cpu");
  EventGan fresh(*backend, tiny_event_gan());
  fresh.initialize(1);
  const auto values = [&](const Parameters& parameters) {
    return download_real(*backend, parameters.values());
  };
  const auto trained = [&](const EventGanConfig& config, bool generator, bool discriminator) {
    const test::TmpDir folder;
    EventGan model(*backend, config);
    train(model, test::tiny_tokens(), 3, folder.path());
    EXPECT_EQ(values(model.parameters()) != values(fresh.parameters()), generator);
    EXPECT_EQ(values(model.discriminator()) != values(fresh.discriminator()), discriminator);
  };
  EventGanConfig config = tiny_event_gan();
  trained(config, true, false);
  config.pretraining = 0;
  config.discriminator_rest = 0.0;
  config.discriminator_rate = 0.0;
  trained(config, true, false);
  config.discriminator_rate = 1.0;
  config.generator_rate = 0.0;
  trained(config, false, true);
}

TEST(EventGanFile, IsReadBackWithBothPlayers) {
  const test::TmpDir folder;
  const auto backend = make_backend("cpu");
  EventGanConfig config = tiny_event_gan();
  config.word_loss = WordLoss::squared;
  config.aim = Aim::features;
  config.feedback = Feedback::no;
  config.kernels = 3;
  EventGan model(*backend, config);
  model.initialize(5);
  save_model(model, *make_tokenizer("ids", "vocabulary=12"), folder / "m");
  EXPECT_EQ(read_model_kind(folder / "m"), "event_gan");
  const LoadedEventGan loaded = load_event_gan(folder / "m", *backend);
  EXPECT_EQ(loaded.info.config, config);
  EXPECT_EQ(loaded.info.parameter_count, model.parameter_count());
  EXPECT_EQ(compose(*loaded.model, {.seed = 2}), compose(model, {.seed = 2}));
  EXPECT_EQ(words_on(*loaded.model, some_pieces()), words_on(model, some_pieces()));
}

TEST(EventGan, RefusesWhatIsNotItsOwn) {
  const auto backend = make_backend("reference");
  EventGan model(*backend, tiny_event_gan());
  const auto refuses = [&](const Dataset& data, const char* part) {
    test::expect_error<ArgumentError>([&] { model.check_data(data); }, part);
  };
  refuses(test::tiny_tokens(11), "vocabulary=11");
  refuses(test::tiny_frames(), "holds pianoroll steps");
  refuses(test::tiny_pairs(), "pairs");
  EventGanConfig config = tiny_event_gan();
  config.noise = 0;
  test::expect_error<ArgumentError>([&] { config.validate(); }, "noise is 0");
}

}  // namespace
}  // namespace cadenza
