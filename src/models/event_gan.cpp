// SPDX-License-Identifier: Apache-2.0
#include "cadenza/event_gan.h"

#include <cmath>

#include "cadenza/error.h"
#include "models/check_range.h"
#include "models/closeness.h"
#include "models/event_pass.h"
#include "models/turns.h"
#include "nn/arrange.h"
#include "nn/gaussian.h"

namespace cadenza {
namespace {

enum EventObjective : std::size_t { kPretraining, kGenerator, kDiscriminator };

TensorView filled(Tape& tape, const Shape& shape, double value) {
  const TensorView view = tape.allocate(shape);
  tape.backend().fill(view, value);
  return view;
}

/// What words [N, 1] cost that should be `target`, real [N].
TensorView word_loss(Tape& tape, WordLoss kind, Variable& words, double target,
                     const TensorView& weights, double scale) {
  const TensorView targets = filled(tape, words.value().shape, target);
  return kind == WordLoss::sigmoid ? bernoulli_loss(tape, words, targets, weights, scale)
                                   : squared_loss(tape, words, targets, weights, scale);
}

/// The mean features of all pieces, [1, W], of features [T, B, W].
Variable& mean_features(Tape& tape, Variable& features, std::span<const std::int32_t> lengths) {
  const Shape& shape = features.value().shape;
  const TensorView uploaded = tape.upload(lengths, {shape[1]});
  Variable& of_pieces =
      reshape(tape, mean_over_steps(tape, features, uploaded), {shape[1], 1, shape[2]});
  return reshape(tape, mean_over_steps(tape, of_pieces, {}), {1, shape[2]});
}

/// What the generator reads in front of the noise of one lesson, numbers of N(0, 1) that depend on
/// seed and lesson alone.
enum class Before : std::uint8_t { nothing, true_events };
constexpr int kRowBits = 20;
void add_noise(Batch& events, int width, Before before, std::uint64_t seed, std::int64_t lesson) {
  std::vector<float> input;
  const auto rows = static_cast<std::size_t>(events.rows);
  for (std::int64_t t = 0; t < events.steps; ++t) {
    for (std::size_t b = 0; b < rows; ++b) {
      const auto cell = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(t) * rows + b);
      if (before == Before::true_events) {
        const auto begin = events.input_frames.begin() + cell * kEventWidth;
        input.insert(input.end(), begin, begin + kEventWidth);
      }
      const std::uint64_t sequence = static_cast<std::uint64_t>(lesson) << kRowBits | b;
      const std::vector<float> noise =
          latent_noise(seed, sequence, static_cast<std::uint32_t>(t), width);
      input.insert(input.end(), noise.begin(), noise.end());
    }
  }
  events.input_frames = std::move(input);
}

}  // namespace

void EventGanConfig::validate() const {
  constexpr double kMaxUnits = 1 << 16;
  constexpr double kMaxSteps = 1e9;
  constexpr double kMaxUpdates = 1000;
  constexpr double kMaxKernels = 1000;
  check_range("events", events, 1, kMaxUnits);
  check_range("layers", layers, 1, 64);
  check_range("hidden", hidden, 1, kMaxUnits);
  check_range("noise", noise, 1, kMaxUnits);
  check(std::isfinite(forget_bias), "model: forget_bias is ", forget_bias, ", expected finite");
  check_range("discriminator_layers", discriminator_layers, 1, 64);
  check_range("discriminator_hidden", discriminator_hidden, 1, kMaxUnits);
  check_range("kernels", kernels, 0, kMaxKernels);
  check_range("pretraining", pretraining, 0, kMaxSteps);
  check_range("generator_updates", generator_updates, 1, kMaxUpdates);
  check_range("discriminator_updates", discriminator_updates, 1, kMaxUpdates);
  check_range("discriminator_rest", discriminator_rest, 0, kMaxUpdates);
  check_range("generator_rate", generator_rate, 0, kMaxUpdates);
  check_range("discriminator_rate", discriminator_rate, 0, kMaxUpdates);
}

std::vector<ParameterSpec> generator_specs(const EventGanConfig& config) {
  config.validate();
  std::vector<ParameterSpec> specs;
  generator_of(config).add_specs(specs);
  add_linear_specs(specs, "output.", config.hidden, kEventWidth);
  return specs;
}

std::vector<ParameterSpec> discriminator_specs(const EventGanConfig& config) {
  config.validate();
  std::vector<ParameterSpec> specs;
  discriminator_of(config).add_specs(specs);
  const std::int64_t width = discriminator_of(config).width();
  if (config.kernels > 0) add_closeness_specs(specs, width, config.kernels);
  add_linear_specs(specs, "output.", width + config.kernels, 1);
  return specs;
}

EventGan::EventGan(Backend& backend, const EventGanConfig& config, DType dtype)
    : config_(config),
      tokenizer_(make_tokenizer(config.tokenizer_name, config.tokenizer_settings)),
      generator_(backend, dtype, generator_specs(config)),
      discriminator_(backend, dtype, discriminator_specs(config)) {}

void EventGan::initialize(std::uint64_t seed) {
  generator_.initialize(seed);
  discriminator_.initialize(seed);
  generator_of(config_).add_forget_bias(generator_, config_.forget_bias);
}

std::string EventGan::architecture() const { return to_json(config_); }

std::string EventGan::summary() const {
  return message("generator of up to ", config_.events, " events, ", config_.layers, " x ",
                 info_of(config_.cell).name, "(", config_.hidden, "), against ",
                 config_.discriminator_layers, " x ", info_of(config_.discriminator_cell).name,
                 "(2 x ", config_.discriminator_hidden, "), ", name_of(config_.word_loss));
}

void EventGan::check_data(const Dataset& data) const {
  check(!data.pairs, "the data holds pairs for a seq2seq model, expected single sequences");
  check(data.step_kind == StepKind::token && data.tokenizer_name == config_.tokenizer_name &&
            data.tokenizer_settings == config_.tokenizer_settings,
        "the data holds ", data.tokenizer_name, " steps (", data.tokenizer_settings,
        "), the model reads the music of ", config_.tokenizer_name, " tokens (",
        config_.tokenizer_settings, ")");
}

std::vector<Part> EventGan::parts() const {
  return {{"", &generator_}, {"discriminator.", &discriminator_}};
}

std::vector<Objective> EventGan::objectives() {
  const auto loss_of = [this](TensorView (EventGan::*run)(Tape&, const Batch&, double)) {
    return [this, run](Tape& tape, const Batch& batch, std::span<const Tensor>, const DropoutKey&,
                       double scale) { return (this->*run)(tape, batch, scale); };
  };
  return {{"pretraining", &generator_, loss_of(&EventGan::pretraining_loss)},
          {"generator", &generator_, loss_of(&EventGan::generator_loss), config_.generator_rate},
          {"discriminator", &discriminator_, loss_of(&EventGan::discriminator_loss),
           config_.discriminator_rate}};
}

TensorView EventGan::pretraining_loss(Tape& tape, const Batch& events, double scale) {
  const std::int64_t count = events.steps * events.rows;
  const TensorView inputs =
      tape.upload(std::span(events.input_frames), {events.steps, events.rows, config_.inputs()});
  Variable& guesses = EventMaker(tape, config_, generator_).follow(tape.constant(inputs));
  return squared_loss(tape, reshape(tape, guesses, {count, kEventWidth}),
                      tape.upload(std::span(events.target_frames), {count, kEventWidth}),
                      tape.upload(std::span(events.weights), {count}), scale);
}

// Gradients also land in those of the discriminator, which are zeroed before it learns itself.
TensorView EventGan::generator_loss(Tape& tape, const Batch& events, double scale) {
  const Shape grid = {events.steps, events.rows, config_.noise};
  Variable& made =
      EventMaker(tape, config_, generator_).make(tape.upload(std::span(events.input_frames), grid));
  const Verdict verdict = judge(tape, config_, discriminator_, made, events.lengths);
  if (config_.aim == Aim::words) {
    return word_loss(tape, config_.word_loss, verdict.words, 1.0,
                     tape.upload(std::span(events.weights), {events.steps * events.rows}), scale);
  }
  Tape silent(tape.backend(), tape.arena(), tape.dtype(), GradMode::none);
  Variable& real = silent.constant(
      silent.upload(std::span(events.target_frames), {events.steps, events.rows, kEventWidth}));
  const Verdict of_real = judge(silent, config_, discriminator_, real, events.lengths);
  return squared_loss(tape, mean_features(tape, verdict.features, events.lengths),
                      mean_features(silent, of_real.features, events.lengths).value(),
                      filled(tape, {1}, static_cast<double>(events.predicted)), scale);
}

TensorView EventGan::discriminator_loss(Tape& tape, const Batch& events, double scale) {
  const std::int64_t count = events.steps * events.rows;
  Tape silent(tape.backend(), tape.arena(), tape.dtype(), GradMode::none);
  const TensorView noise =
      tape.upload(std::span(events.input_frames), {events.steps, events.rows, config_.noise});
  Variable& made = tape.constant(EventMaker(silent, config_, generator_).make(noise).value());
  Variable& real = tape.constant(
      tape.upload(std::span(events.target_frames), {events.steps, events.rows, kEventWidth}));
  const TensorView weights = tape.upload(std::span(events.weights), {count});
  const TensorView losses = tape.allocate({2 * count});
  const auto add = [&](Variable& pieces, double target, std::int64_t begin) {
    const Verdict verdict = judge(tape, config_, discriminator_, pieces, events.lengths);
    tape.backend().copy(word_loss(tape, config_.word_loss, verdict.words, target, weights, scale),
                        losses.slice(begin, count));
  };
  add(real, 1.0, 0);
  add(made, 0.0, count);
  return losses;
}

TensorView EventGan::loss(Tape& tape, const Batch& batch, std::span<const Tensor>,
                          const DropoutKey& key, double scale) {
  Batch events = event_batch(batch, *tokenizer_, config_.events);
  const std::int64_t count = batch.steps * batch.rows;
  if (events.rows == 0) return filled(tape, {count}, 0.0);
  add_noise(events, config_.noise,
            config_.feedback == Feedback::yes ? Before::true_events : Before::nothing, key.seed, 0);
  std::vector<std::int32_t> places(static_cast<std::size_t>(count), -1);
  for (std::int64_t b = 0; b < events.rows; ++b) {
    for (std::int64_t t = 0; t < events.lengths[static_cast<std::size_t>(b)]; ++t) {
      const std::int64_t row = events.piece[static_cast<std::size_t>(b)];
      places[static_cast<std::size_t>(t * batch.rows + row)] =
          static_cast<std::int32_t>(t * events.rows + b);
    }
  }
  const TensorView of_events = pretraining_loss(tape, events, scale);
  const TensorView losses = tape.allocate({count, 1});
  tape.backend().embedding({.ids = tape.upload(std::span(places), {count}),
                            .table = of_events.reshaped({of_events.count(), 1}),
                            .y = losses});
  return losses.reshaped({count});
}

void EventGan::train_step(const Batch& batch, const DropoutKey& key, Teacher& teacher) {
  const Batch events = event_batch(batch, *tokenizer_, config_.events);
  if (events.rows == 0) return;
  const std::int64_t draws =
      std::int64_t{config_.generator_updates} + config_.discriminator_updates;
  const std::int64_t step = key.step;
  std::int64_t lesson = step * draws;
  if (step < config_.pretraining) {
    Batch truth = events;
    add_noise(truth, config_.noise,
              config_.feedback == Feedback::yes ? Before::true_events : Before::nothing, key.seed,
              lesson);
    return teacher.update(kPretraining, truth);
  }
  const auto play = [&](std::size_t objective, double share) {
    Batch game = events;
    add_noise(game, config_.noise, Before::nothing, key.seed, lesson++);
    game.predicted = game.rows;
    for (std::size_t i = 0; i < game.weights.size(); ++i) {
      game.weights[i] *=
          static_cast<float>(share) / static_cast<float>(game.lengths[i % game.lengths.size()]);
    }
    teacher.update(objective, game);
  };
  const bool rests =
      discriminator_rests(teacher, kGenerator, kDiscriminator, config_.discriminator_rest);
  for (int i = 0; i < config_.discriminator_updates && !rests; ++i) play(kDiscriminator, 0.5);
  for (int i = 0; i < config_.generator_updates; ++i) play(kGenerator, 1.0);
}

}  // namespace cadenza
