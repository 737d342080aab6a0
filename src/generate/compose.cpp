// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "cadenza/error.h"
#include "cadenza/event_gan.h"
#include "core/largest_that_fits.h"
#include "models/event_pass.h"
#include "nn/gaussian.h"
#include "nn/host_copy.h"
#include "nn/step_stack.h"

namespace cadenza {
namespace {

/// One batch of pieces, event by event in fixed order of sums: rows do not depend on each other.
std::vector<double> compose_batch(const EventGan& model, const ComposeRequest& request,
                                  std::int64_t first, std::int64_t rows) {
  const EventGanConfig& config = model.config();
  Backend& backend = model.backend();
  Arena arena(backend);
  Tape tape(backend, arena, DType::f32, GradMode::none);
  const RecurrentStack stack = generator_of(config);
  std::vector<RecurrentWeights> layers;
  std::vector<TensorView> states;
  for (int layer = 0; layer < stack.layers; ++layer) {
    layers.push_back(stack.weights(model.parameters(), layer));
    states.push_back(tape.allocate({info_of(config.cell).states, rows, stack.hidden}));
    backend.fill(states.back(), 0.0);
  }
  StepStack steps(backend, config.cell, layers, states);
  const TensorView events = tape.allocate({request.num_events, rows, kEventWidth});
  const TensorView input = tape.allocate({rows, config.inputs()});
  backend.fill(input, 0.0);
  const auto temperature = static_cast<float>(request.temperature);
  const std::int64_t noise_at = config.inputs() - config.noise;
  for (std::int64_t t = 0; t < request.num_events; ++t) {
    std::vector<float> noise;
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::vector<float> numbers =
          latent_noise(request.seed, static_cast<std::uint64_t>(first + row),
                       static_cast<std::uint32_t>(t), config.noise);
      for (const float number : numbers) noise.push_back(temperature * number);
    }
    const TensorView uploaded = tape.upload(std::span<const float>(noise), {rows, config.noise});
    backend.copy_columns({.x = uploaded, .y = input, .y_begin = noise_at, .count = config.noise});
    if (t > 0 && noise_at > 0) {
      backend.copy_columns({.x = events.at(t - 1), .y = input, .count = kEventWidth});
    }
    backend.matmul({.a = steps.step(input),
                    .b = model.parameters().value("output.weight"),
                    .c = events.at(t),
                    .transpose_b = Transpose::yes,
                    .bias = model.parameters().value("output.bias"),
                    .order = SumOrder::fixed});
  }
  return download_real(backend, events);
}

std::vector<double> words_on_batch(EventGan& model,
                                   std::span<const std::vector<NoteEvent>> pieces) {
  std::size_t most = 1;
  for (const auto& piece : pieces) most = std::max(most, piece.size());
  const Batch batch = event_batch(pieces, static_cast<int>(most));
  std::vector<double> means(pieces.size(), -std::numeric_limits<double>::infinity());
  if (batch.rows == 0) return means;
  Arena arena(model.backend());
  Tape tape(model.backend(), arena, model.parameters().dtype(), GradMode::none);
  Variable& events = tape.constant(
      tape.upload(std::span(batch.target_frames), {batch.steps, batch.rows, kEventWidth}));
  const Verdict verdict = judge(tape, model.config(), model.discriminator(), events, batch.lengths);
  const std::vector<double> words = download_real(model.backend(), verdict.words.value());
  for (std::int64_t b = 0; b < batch.rows; ++b) {
    const std::int64_t length = batch.lengths[static_cast<std::size_t>(b)];
    double sum = 0.0;
    for (std::int64_t t = 0; t < length; ++t) {
      sum += words[static_cast<std::size_t>(t * batch.rows + b)];
    }
    means[static_cast<std::size_t>(batch.piece[static_cast<std::size_t>(b)])] =
        sum / static_cast<double>(length);
  }
  return means;
}

}  // namespace

std::vector<std::vector<NoteEvent>> compose(const EventGan& model, const ComposeRequest& request) {
  const auto at_least = [](const char* name, std::int64_t value, std::int64_t least) {
    check(value >= least, "compose: ", name, " is ", value, ", expected at least ", least);
  };
  at_least("num_outputs", request.num_outputs, 1);
  at_least("num_events", request.num_events, 1);
  at_least("first_sequence", request.first_sequence, 0);
  at_least("batch_size", request.batch_size, 1);
  check(request.temperature >= 0.0, "compose: temperature is ", request.temperature,
        ", expected at least 0");
  std::vector<std::vector<NoteEvent>> pieces;
  for (std::int64_t first = 0; first < request.num_outputs; first += request.batch_size) {
    const std::int64_t rows = std::min(request.batch_size, request.num_outputs - first);
    const std::vector<double> numbers =
        with_room(message("writing ", rows, " pieces at once"), rows, [&](std::int64_t count) {
          return compose_batch(model, request, request.first_sequence + first, count);
        });
    for (std::int64_t row = 0; row < rows; ++row) {
      std::vector<NoteEvent>& piece = pieces.emplace_back();
      for (std::int64_t t = 0; t < request.num_events; ++t) {
        std::array<float, kEventWidth> event = {};
        for (std::size_t i = 0; i < event.size(); ++i) {
          const auto at = static_cast<std::size_t>((t * rows + row) * kEventWidth) + i;
          event[i] = static_cast<float>(numbers[at]);
        }
        piece.push_back(to_event(event));
      }
    }
  }
  return pieces;
}

std::vector<double> words_on(EventGan& model, std::span<const std::vector<NoteEvent>> pieces,
                             int batch_size) {
  check(batch_size >= 1, "words_on: batch_size is ", batch_size, ", expected at least 1");
  std::vector<double> words;
  for (std::size_t first = 0; first < pieces.size();) {
    const std::size_t count = std::min(static_cast<std::size_t>(batch_size), pieces.size() - first);
    const auto rows = static_cast<std::int64_t>(count);
    const std::vector<double> of_batch =
        with_room(message("judging ", rows, " pieces at once"), rows, [&](std::int64_t some) {
          return words_on_batch(model, pieces.subspan(first, static_cast<std::size_t>(some)));
        });
    words.insert(words.end(), of_batch.begin(), of_batch.end());
    first += count;
  }
  return words;
}

}  // namespace cadenza
