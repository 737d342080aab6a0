// SPDX-License-Identifier: Apache-2.0
#include "models/event_pass.h"

#include <algorithm>

#include "models/closeness.h"
#include "nn/arrange.h"

namespace cadenza {

RecurrentStack generator_of(const EventGanConfig& config) {
  return {.prefix = "",
          .cell = config.cell,
          .layers = config.layers,
          .input = config.inputs(),
          .hidden = config.hidden};
}

RecurrentStack discriminator_of(const EventGanConfig& config) {
  return {.prefix = "",
          .cell = config.discriminator_cell,
          .layers = config.discriminator_layers,
          .input = kEventWidth,
          .hidden = config.discriminator_hidden,
          .directions = Directions::both};
}

EventMaker::EventMaker(Tape& tape, const EventGanConfig& config, Parameters& parameters)
    : tape_(tape),
      config_(config),
      layers_(tape, parameters, generator_of(config)),
      output_(linear_parameters(tape, parameters, "output.")) {}

std::vector<Variable*> EventMaker::first_states(std::int64_t rows) {
  std::vector<Variable*> states;
  for (int layer = 0; layer < config_.layers; ++layer) {
    const TensorView zero =
        tape_.allocate({info_of(config_.cell).states, rows, std::int64_t{config_.hidden}});
    tape_.backend().fill(zero, 0.0);
    states.push_back(&tape_.constant(zero));
  }
  return states;
}

Variable& EventMaker::run(Variable& inputs, std::vector<Variable*>& states) {
  Variable& y = layers_.run(tape_, inputs, states, [](int) { return DropoutPlace(); });
  const Shape& shape = inputs.value().shape;
  return reshape(tape_, linear(tape_, y, output_), {shape[0], shape[1], kEventWidth});
}

Variable& EventMaker::follow(Variable& inputs) {
  std::vector<Variable*> states = first_states(inputs.value().shape[1]);
  return run(inputs, states);
}

Variable& EventMaker::make(const TensorView& noise) {
  if (config_.feedback == Feedback::no) return follow(tape_.constant(noise));
  const std::int64_t rows = noise.shape[1];
  std::vector<Variable*> states = first_states(rows);
  const TensorView nothing = tape_.allocate({1, rows, kEventWidth});
  tape_.backend().fill(nothing, 0.0);
  Variable* before = &tape_.constant(nothing);
  std::vector<Variable*> events;
  for (std::int64_t t = 0; t < noise.shape[0]; ++t) {
    Variable& input = join_columns(tape_, {before, &tape_.constant(noise.slice(t, 1))});
    before = &run(input, states);
    events.push_back(before);
  }
  return stack(tape_, events);
}

Verdict judge(Tape& tape, const EventGanConfig& config, Parameters& parameters, Variable& events,
              std::span<const std::int32_t> lengths) {
  const EncoderOutput output =
      encode(tape, parameters, discriminator_of(config),
             {.x = &events, .lengths = lengths, .dropout = [](int) { return DropoutPlace(); }});
  const LinearParameters head = linear_parameters(tape, parameters, "output.");
  if (config.kernels == 0) return {output.y, linear(tape, output.y, head)};

  const std::int64_t steps = events.value().shape[0];
  const std::int64_t rows = events.value().shape[1];
  const std::int64_t width = output.y.value().shape[2];
  Variable& pieces =
      reshape(tape, mean_over_steps(tape, output.y, tape.upload(lengths, {rows})), {rows, width});
  Variable& close = closeness(tape, parameters, pieces, config.kernels);
  std::vector<std::int32_t> of_piece;
  for (std::int64_t t = 0; t < steps; ++t) {
    for (std::int64_t b = 0; b < rows; ++b) of_piece.push_back(static_cast<std::int32_t>(b));
  }
  Variable& at_steps = gather_rows(tape, close, tape.upload(std::span(of_piece), {steps * rows}),
                                   {steps, rows, config.kernels});
  return {output.y, linear(tape, join_columns(tape, {&output.y, &at_steps}), head)};
}

Batch event_batch(std::span<const std::vector<NoteEvent>> pieces, int most) {
  Batch batch = {.kind = StepKind::frame, .width = kEventWidth};
  const auto count = [&](const std::vector<NoteEvent>& piece) {
    return std::min(static_cast<std::int64_t>(piece.size()), std::int64_t{most});
  };
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    const std::int64_t length = count(pieces[p]);
    if (length == 0) continue;
    batch.lengths.push_back(static_cast<std::int32_t>(length));
    batch.piece.push_back(static_cast<std::int64_t>(p));
    batch.steps = std::max(batch.steps, length);
    batch.predicted += length;
  }
  batch.rows = static_cast<std::int64_t>(batch.lengths.size());
  const auto rows = static_cast<std::size_t>(batch.rows);
  const std::size_t cells = static_cast<std::size_t>(batch.steps) * rows;
  batch.weights.assign(cells, 0.0F);
  batch.target_frames.assign(cells * kEventWidth, 0.0F);
  batch.input_frames = batch.target_frames;
  for (std::size_t b = 0; b < rows; ++b) {
    const std::vector<NoteEvent>& piece = pieces[static_cast<std::size_t>(batch.piece[b])];
    for (std::size_t t = 0; t < static_cast<std::size_t>(batch.lengths[b]); ++t) {
      const std::array<float, kEventWidth> numbers = to_numbers(piece[t]);
      const std::size_t cell = t * rows + b;
      batch.weights[cell] = 1.0F;
      std::copy(numbers.begin(), numbers.end(),
                batch.target_frames.begin() + static_cast<std::ptrdiff_t>(cell * kEventWidth));
      if (t + 1 == static_cast<std::size_t>(batch.lengths[b])) continue;
      std::copy(
          numbers.begin(), numbers.end(),
          batch.input_frames.begin() + static_cast<std::ptrdiff_t>((cell + rows) * kEventWidth));
    }
  }
  return batch;
}

Batch event_batch(const Batch& tokens, const Tokenizer& tokenizer, int most) {
  std::vector<std::vector<NoteEvent>> pieces;
  for (std::size_t b = 0; b < tokens.lengths.size(); ++b) {
    Sequence piece;
    for (std::int32_t t = 0; t < tokens.lengths[b]; ++t) {
      piece.tokens.push_back(tokens.target_ids[static_cast<std::size_t>(t * tokens.rows) + b]);
    }
    pieces.push_back(note_events(tokenizer.decode(piece)));
  }
  return event_batch(pieces, most);
}

}  // namespace cadenza
