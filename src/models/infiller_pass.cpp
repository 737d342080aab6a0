// SPDX-License-Identifier: Apache-2.0
#include "models/infiller_pass.h"

#include "models/dropout_place.h"
#include "nn/arrange.h"

namespace cadenza {
namespace {

// Places of dropout; there are at most 64 layers.
constexpr int kPastInput = 0;
constexpr int kFutureInput = 1;
constexpr int kStep = 2;
constexpr int kHidden = 3;
constexpr int kPast = 4;
constexpr int kFuture = 68;

RecurrentStack stack_of(const InfillerConfig& config, const char* prefix) {
  return {.prefix = prefix,
          .cell = config.cell,
          .layers = config.layers,
          .input = std::int64_t{config.embedding} * (config.voices + 1),
          .hidden = config.hidden};
}

// The step that is read in turn t by a stack that goes backwards from the end of a piece; the same
// the other way round.
std::int64_t from_end(std::int64_t t, std::int32_t length) { return length - 1 - t; }

}  // namespace

RecurrentStack past_of(const InfillerConfig& config) { return stack_of(config, "past."); }
RecurrentStack future_of(const InfillerConfig& config) { return stack_of(config, "future."); }

InfillerPass::InfillerPass(Tape& tape, const InfillerConfig& config, Parameters& parameters,
                           const DropoutKey& key)
    : tape_(tape),
      config_(config),
      parameters_(parameters),
      key_(key),
      tokens_(parameter(tape, parameters, "embedding.weight")),
      beats_(parameter(tape, parameters, "beat.weight")) {}

DropoutPlace InfillerPass::place(double rate, int which) const {
  return dropout_place(key_, rate, which);
}

Variable& InfillerPass::embed(const std::vector<std::int32_t>& ids, std::int64_t per_row,
                              Variable& table) {
  const auto count = static_cast<std::int64_t>(ids.size());
  Variable& found = embedding(tape_, tape_.upload(std::span(ids), {count}), table);
  return reshape(tape_, found, {count / per_row, per_row * config_.embedding});
}

Variable& InfillerPass::read(const GridRows& grid, const RecurrentStack& stack, Order order) {
  const bool forward = order == Order::forward;
  const std::int64_t voices = config_.voices;
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> beats;
  for (std::int64_t t = 0; t < grid.steps; ++t) {
    for (std::int64_t b = 0; b < grid.rows(); ++b) {
      const std::int32_t length = grid.lengths[static_cast<std::size_t>(b)];
      const bool inside = t < length;
      const std::int64_t step = forward ? t : from_end(t, length);
      beats.push_back(inside ? static_cast<std::int32_t>(step % config_.period) : -1);
      for (std::int64_t v = 0; v < voices; ++v) {
        const auto cell = static_cast<std::size_t>((step * grid.rows() + b) * voices + v);
        ids.push_back(inside ? grid.ids[cell] : -1);
      }
    }
  }
  Variable& x =
      dropout(tape_, join_columns(tape_, {&embed(ids, voices, tokens_), &embed(beats, 1, beats_)}),
              place(config_.input_dropout, forward ? kPastInput : kFutureInput));
  const RecurrentLayers layers(tape_, parameters_, stack);
  const TensorView zero = tape_.allocate({info_of(stack.cell).states, grid.rows(), stack.hidden});
  tape_.backend().fill(zero, 0.0);
  std::vector<Variable*> states(static_cast<std::size_t>(stack.layers), &tape_.constant(zero));
  return layers.run(
      tape_, reshape(tape_, x, {grid.steps, grid.rows(), stack.input}), states,
      [&](int layer) { return place(config_.dropout, (forward ? kPast : kFuture) + layer); });
}

Variable& InfillerPass::logits(const GridRows& grid, std::span<const GridPlace> places) {
  const auto count = static_cast<std::int64_t>(places.size());
  std::vector<std::int32_t> before;  // rows of the two readings, -1: nothing has been read
  std::vector<std::int32_t> after;
  std::vector<std::int32_t> beats;
  std::vector<std::int32_t> voices;
  std::vector<std::int32_t> others;  // the step without the token in question
  for (const GridPlace& at : places) {
    const std::int32_t length = grid.lengths[static_cast<std::size_t>(at.row)];
    const auto row_of = [&](std::int64_t t) {
      return t < 0 || at.step >= length ? -1 : static_cast<std::int32_t>(t * grid.rows() + at.row);
    };
    before.push_back(row_of(at.step - 1));
    after.push_back(row_of(from_end(at.step + 1, length)));
    beats.push_back(static_cast<std::int32_t>(at.step % config_.period));
    voices.push_back(static_cast<std::int32_t>(at.voice));
    for (std::int64_t v = 0; v < config_.voices; ++v) {
      const auto cell =
          static_cast<std::size_t>((at.step * grid.rows() + at.row) * config_.voices + v);
      others.push_back(v == at.voice ? -1 : grid.ids[cell]);
    }
  }
  const auto outputs = [&](const RecurrentStack& stack, Order order,
                           const std::vector<std::int32_t>& rows) -> Variable* {
    return &gather_rows(tape_, read(grid, stack, order), tape_.upload(std::span(rows), {count}),
                        {count, config_.hidden});
  };
  const auto embedded = [&](const std::vector<std::int32_t>& ids, std::int64_t per_row,
                            Variable& table) { return &embed(ids, per_row, table); };
  std::vector<Variable*> step = {embedded(beats, 1, beats_)};
  if (config_.voices > 1) {
    step.push_back(embedded(others, config_.voices, tokens_));
    step.push_back(embedded(voices, 1, parameter(tape_, parameters_, "voice.weight")));
  }
  Variable& now = dropout(tape_, join_columns(tape_, step), place(config_.input_dropout, kStep));
  Variable& told = join_columns(tape_, {outputs(past_of(config_), Order::forward, before),
                                        outputs(future_of(config_), Order::backward, after), &now});
  Variable& hidden =
      activation(tape_, linear(tape_, told, linear_parameters(tape_, parameters_, "hidden.")),
                 Activation::relu);
  return linear(tape_, dropout(tape_, hidden, place(config_.dropout, kHidden)),
                linear_parameters(tape_, parameters_, "output."));
}

}  // namespace cadenza
