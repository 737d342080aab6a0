// SPDX-License-Identifier: Apache-2.0
#include "models/language_model_input.h"

#include <vector>

#include "cadenza/error.h"
#include "core/position_bits.h"
#include "models/dropout_place.h"
#include "nn/arrange.h"
#include "nn/ops.h"
#include "nn/recurrent_stack.h"

namespace cadenza {
namespace {

/// The tokens of a batch and, before them, those that it looks back on.
class Tokens {
 public:
  Tokens(const Batch& batch, std::int64_t history) : batch_(batch), history_(history) {
    check(static_cast<std::int64_t>(batch.history.size()) == history * batch.rows,
          "loss: the batch has ", batch.history.size(), " tokens from before its steps, expected ",
          history, " of each of ", batch.rows, " rows");
  }
  /// The token that stands `back` steps before the one that step t of row b predicts, -1 for none.
  std::int32_t at(std::int64_t t, std::int64_t b, std::int64_t back) const {
    const std::int64_t input = t + 1 - back;  // the step that reads it as the token before
    const std::vector<std::int32_t>& from = input < 0 ? batch_.history : batch_.input_ids;
    const std::int64_t row = input < 0 ? history_ + input : input;
    return from[static_cast<std::size_t>(row * batch_.rows + b)];
  }

 private:
  const Batch& batch_;
  std::int64_t history_;
};

/// The token before every step: [T, B].
Variable& read_ids(Tape& tape, const Batch& batch) {
  return tape.constant(tape.upload(std::span(batch.input_ids), {batch.steps, batch.rows}));
}

/// The token before every step and those it looks back on, embedded: [T, B, E * (1 + distances)].
Variable& embed_tokens(Tape& tape, const LanguageModelConfig& config, Parameters& parameters,
                       const Batch& batch) {
  Variable& table = parameter(tape, parameters, "embedding.weight");
  if (config.lookback.empty()) {
    const TensorView ids = tape.upload(std::span(batch.input_ids), {batch.steps, batch.rows});
    return embedding(tape, ids, table);
  }
  const Tokens tokens(batch, config.history());
  std::vector<std::int32_t> ids;
  for (std::int64_t t = 0; t < batch.steps; ++t) {
    for (std::int64_t b = 0; b < batch.rows; ++b) {
      ids.push_back(tokens.at(t, b, 1));
      for (const int distance : config.lookback) ids.push_back(tokens.at(t, b, distance));
    }
  }
  const auto each = static_cast<std::int64_t>(1 + config.lookback.size());
  const TensorView uploaded = tape.upload(std::span(ids), {batch.steps * batch.rows, each});
  return reshape(tape, embedding(tape, uploaded, table),
                 {batch.steps, batch.rows, each * config.embedding});
}

/// What each step knows of itself: whether the token before stood at each distance before itself
/// too, and the bits of its position; [T, B, distances + bits].
Variable& join_numbers(Tape& tape, const LanguageModelConfig& config, Variable& x,
                       const Batch& batch) {
  check(static_cast<std::int64_t>(batch.first_step.size()) == batch.rows,
        "loss: the batch says of ", batch.first_step.size(),
        " rows where in the piece they begin, expected ", batch.rows);
  const Tokens tokens(batch, config.history());
  std::vector<float> numbers;
  for (std::int64_t t = 0; t < batch.steps; ++t) {
    for (std::int64_t b = 0; b < batch.rows; ++b) {
      for (const int distance : config.lookback) {
        const std::int32_t last = tokens.at(t, b, 1);
        const bool again = last >= 0 && last == tokens.at(t, b, 1 + distance);
        numbers.push_back(again ? 1.0F : 0.0F);
      }
      const std::int64_t position = batch.first_step[static_cast<std::size_t>(b)] + t;
      for (int bit = 0; bit < config.position_bits; ++bit) {
        numbers.push_back(position_bit(position, bit));
      }
    }
  }
  const TensorView uploaded =
      tape.upload(std::span<const float>(numbers), {batch.steps, batch.rows, config.own_numbers()});
  return join_columns(tape, {&x, &tape.constant(uploaded)});
}

/// What each row is told of one condition, at every step: [T, B, E].
Variable& tell(Tape& tape, Parameters& parameters, const Condition& condition,
               const std::vector<ConditionValue>& rows, std::int64_t steps) {
  const auto batch = static_cast<std::int64_t>(rows.size());
  Variable& weight = parameter(tape, parameters, condition.parameter());
  std::vector<std::int32_t> ids;
  if (condition.kind != ConditionKind::histogram) {
    for (std::int64_t t = 0; t < steps; ++t) {
      for (const ConditionValue& row : rows) ids.push_back(row.number);
    }
    return embedding(tape, tape.upload(std::span(ids), {steps, batch}), weight);
  }
  std::vector<float> shares;
  for (ConditionValue row : rows) {
    row.shares.resize(static_cast<std::size_t>(condition.values));  // nothing known: zeros
    shares.insert(shares.end(), row.shares.begin(), row.shares.end());
  }
  for (std::int64_t i = 0; i < steps * batch; ++i)
    ids.push_back(static_cast<std::int32_t>(i % batch));
  const TensorView told = tape.upload(std::span<const float>(shares), {batch, condition.values});
  return gather_rows(tape, linear(tape, tape.constant(told), {&weight, nullptr}),
                     tape.upload(std::span(ids), {steps * batch}),
                     {steps, batch, condition.embedding});
}

/// x [T, B, I] beside what each row is told.
Variable& join_conditions(Tape& tape, const LanguageModelConfig& config, Parameters& parameters,
                          Variable& x, const Batch& batch) {
  check(batch.conditions.size() == config.conditions.size(), "loss: the pieces have been told ",
        batch.conditions.size(), " conditions, the model has ", config.conditions.size());
  std::vector<Variable*> columns = {&x};
  for (std::size_t c = 0; c < config.conditions.size(); ++c) {
    columns.push_back(
        &tell(tape, parameters, config.conditions[c], batch.conditions[c], batch.steps));
  }
  return join_columns(tape, columns);
}

}  // namespace

Variable& read_input(Tape& tape, const LanguageModelConfig& config, Parameters& parameters,
                     const Batch& batch, const DropoutKey& key) {
  if (batch.kind == StepKind::token && config.embedding == 0) {
    return read_ids(tape, batch);
  }
  Variable& steps = batch.kind == StepKind::token
                        ? embed_tokens(tape, config, parameters, batch)
                        : tape.constant(tape.upload(std::span(batch.input_frames),
                                                    {batch.steps, batch.rows, batch.width}));
  Variable* x = &dropout(tape, steps, dropout_place(key, config.input_dropout, 0));
  if (config.own_numbers() > 0) x = &join_numbers(tape, config, *x, batch);
  if (!config.conditions.empty()) x = &join_conditions(tape, config, parameters, *x, batch);
  return *x;
}

LayerOnTape read_by_first_layer(Tape& tape, const LanguageModelConfig& config,
                                Parameters& parameters, const RecurrentStack& stack,
                                const Batch& batch, const DropoutKey& key) {
  RecurrentSpec spec = stack.spec(0);
  RecurrentParameters own = stack.on(tape, parameters, 0);
  const bool only_embedded = config.embedding > 0 && config.input_width() == config.embedding &&
                             config.conditions.empty() && config.input_dropout == 0.0;
  if (!only_embedded || !tape.recording() || !tape.backend().looks_ids_up() ||
      batch.steps * batch.rows <= config.width) {
    return {read_input(tape, config, parameters, batch, key), spec, own};
  }
  spec.input = config.width;
  own.w_ih = &linear(tape, *own.w_ih, {&parameter(tape, parameters, "embedding.weight"), nullptr});
  return {read_ids(tape, batch), spec, own};
}

}  // namespace cadenza
