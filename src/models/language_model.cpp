// SPDX-License-Identifier: Apache-2.0
#include "cadenza/language_model.h"

#include <algorithm>
#include <cmath>

#include "cadenza/dataset.h"
#include "cadenza/error.h"
#include "models/dropout_place.h"
#include "models/language_model_input.h"
#include "nn/memory_attention.h"
#include "nn/ops.h"
#include "nn/recurrent_stack.h"

namespace cadenza {
namespace {

std::string dense_name(std::size_t index, std::string_view what) {
  return message("dense.", index, ".", what);
}

RecurrentStack stack_of(const LanguageModelConfig& config) {
  return {.prefix = "",
          .cell = config.cell,
          .layers = config.layers,
          .input = config.input_width() + config.condition_width(),
          .hidden = config.hidden};
}

}  // namespace

std::vector<ParameterSpec> parameter_specs(const LanguageModelConfig& config) {
  config.validate();
  std::vector<ParameterSpec> specs;
  if (config.embedding > 0) {
    specs.push_back({"embedding.weight", {config.width, config.embedding}, 1.0});
  }
  for (const Condition& condition : config.conditions) {
    specs.push_back({condition.parameter(), condition.parameter_shape(), 1.0});
  }
  stack_of(config).add_specs(specs);
  if (config.attention_length > 0) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(config.hidden));
    specs.push_back({"attention.query.weight", {config.hidden, config.hidden}, bound});
    add_linear_specs(specs, "attention.output.", std::int64_t{2} * config.hidden, config.hidden);
  }
  std::int64_t features = config.hidden;
  for (std::size_t i = 0; i < config.dense.size(); ++i) {
    add_linear_specs(specs, dense_name(i, ""), features, config.dense[i].units);
    features = config.dense[i].units;
  }
  add_linear_specs(specs, "output.", features, config.width);
  if (config.head == Head::nade) {
    add_linear_specs(specs, "nade.hidden.", features, config.nade_hidden);
    const double nade_bound = 1.0 / std::sqrt(static_cast<double>(config.nade_hidden));
    specs.push_back({"nade.w", {config.width, config.nade_hidden}, nade_bound});
    specs.push_back({"nade.u", {config.width, config.nade_hidden}, nade_bound});
  }
  return specs;
}

LanguageModel::LanguageModel(Backend& backend, const LanguageModelConfig& config, DType dtype)
    : config_(config), parameters_(backend, dtype, parameter_specs(config)) {}

void LanguageModel::initialize(std::uint64_t seed) {
  parameters_.initialize(seed);
  stack_of(config_).add_forget_bias(parameters_, config_.forget_bias);
}

std::string LanguageModel::architecture() const { return to_json(config_); }

std::string LanguageModel::summary() const {
  std::string told;
  for (const Condition& condition : config_.conditions) {
    told += message(told.empty() ? ", conditioned on " : ", ", name_of(condition.kind), " (",
                    condition.values,
                    condition.kind == ConditionKind::histogram ? " shares)" : " values)");
  }
  std::string looks;
  if (config_.attention_length > 0) {
    looks += message(", attention over ", config_.attention_length, " steps");
  }
  for (const int distance : config_.lookback) {
    looks += message(distance == config_.lookback.front() ? ", looking back " : ", ", distance);
  }
  return message(config_.layers, " x ", info_of(config_.cell).name, "(", config_.hidden, "), head ",
                 name_of(config_.head), looks, told);
}

void LanguageModel::check_data(const Dataset& data) const {
  const auto unit = [](StepKind kind) { return kind == StepKind::token ? " tokens" : " keys"; };
  check(data.step_kind == config_.step_kind() && data.vocabulary == config_.width, "the data has ",
        data.vocabulary, unit(data.step_kind), ", the model ", config_.width,
        unit(config_.step_kind()));
  for (const Condition& condition : config_.conditions) {
    check(condition.kind != ConditionKind::label ||
              data.labels.size() == static_cast<std::size_t>(condition.values),
          "the data has ", data.labels.size(), " labels, the model is conditioned on ",
          condition.values);
  }
  check(!data.pairs, "the data holds pairs for a seq2seq model, expected single sequences");
}

std::vector<Tensor> LanguageModel::make_state(std::int64_t rows) const {
  std::vector<Tensor> state;
  for (int layer = 0; layer < config_.layers; ++layer) {
    state.emplace_back(backend(), Shape{info_of(config_.cell).states, rows, config_.hidden},
                       parameters_.dtype());
  }
  if (config_.attention_length > 0) {
    state.emplace_back(backend(), Shape{config_.attention_length, rows, config_.hidden},
                       parameters_.dtype());
  }
  return state;
}

TensorView LanguageModel::loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                               const DropoutKey& key, double scale) {
  check(batch.kind == config_.step_kind() && batch.width == config_.width,
        "loss: the batch has steps of width ", batch.width, ", the model of ", config_.width);
  const std::int64_t steps = batch.steps * batch.rows;
  // Most batches are full, and then no layer needs to look at lengths.
  Lengths lengths;
  if (std::any_of(batch.lengths.begin(), batch.lengths.end(),
                  [&](std::int32_t length) { return length != batch.steps; })) {
    lengths = {.device = tape.upload(std::span(batch.lengths), {batch.rows}),
               .host = batch.lengths};
  }
  const TensorView keep = tape.upload(std::span(batch.keep_state), {batch.rows});
  const TensorView weights = tape.upload(std::span(batch.weights), {steps});

  // 1. Input.
  const RecurrentStack stack = stack_of(config_);
  const LayerOnTape first = read_by_first_layer(tape, config_, parameters_, stack, batch, key);
  Variable* x = &first.x;

  // 2. Recurrent layers, from the carried state.
  for (const Tensor& carried : state) {
    for (std::int64_t s = 0; s < carried.view().shape[0]; ++s) {
      tape.backend().scale_rows(carried.view().at(s), keep);
    }
  }
  for (int layer = 0; layer < config_.layers; ++layer) {
    const LayerOnTape on =
        layer == 0 ? first : LayerOnTape{*x, stack.spec(layer), stack.on(tape, parameters_, layer)};
    Variable* y = &recurrent(tape, on.spec, on.x, lengths, state[static_cast<std::size_t>(layer)],
                             on.parameters);
    if (layer == 0 && config_.attention_length > 0) {
      y = &attend_to_memory(tape, *y, state.back(), lengths,
                            {.query = &parameter(tape, parameters_, "attention.query.weight"),
                             .output = linear_parameters(tape, parameters_, "attention.output.")});
    }
    x = &dropout(tape, *y, dropout_place(key, config_.dropout, layer + 1));
  }

  // 3. Dense layers.
  const auto dense = [&](Variable& input, const std::string& prefix) -> Variable& {
    return linear(tape, input, linear_parameters(tape, parameters_, prefix));
  };
  for (std::size_t i = 0; i < config_.dense.size(); ++i) {
    x = &activation(tape, dense(*x, dense_name(i, "")), config_.dense[i].activation);
  }

  // 4. Head.
  Variable& logits = dense(*x, "output.");
  if (config_.head == Head::softmax) {
    const TensorView targets = tape.upload(std::span(batch.target_ids), {steps});
    return softmax_loss(tape, logits, targets, weights, scale);
  }
  const TensorView targets = tape.upload(std::span(batch.target_frames), {steps, batch.width});
  if (config_.head == Head::bernoulli) {
    return bernoulli_loss(tape, logits, targets, weights, scale);
  }
  return nade_loss(tape,
                   {.visible_bias = &logits,
                    .hidden_bias = &dense(*x, "nade.hidden."),
                    .w = &parameter(tape, parameters_, "nade.w"),
                    .u = &parameter(tape, parameters_, "nade.u")},
                   targets, weights, scale);
}

GenerationNetwork LanguageModel::network() const {
  const auto dense = [&](const std::string& prefix, Activation kind) {
    return DenseWeights{.weight = parameters_.value(prefix + "weight"),
                        .bias = parameters_.value(prefix + "bias"),
                        .activation = kind};
  };
  GenerationNetwork network;
  network.head = config_.head;
  network.width = config_.width;
  if (config_.embedding > 0) network.embedding = parameters_.value("embedding.weight");
  network.cell = config_.cell;
  const RecurrentStack stack = stack_of(config_);
  for (int layer = 0; layer < stack.layers; ++layer) {
    network.layers.push_back(stack.weights(parameters_, layer));
  }
  if (config_.attention_length > 0) {
    network.attention = {.query = parameters_.value("attention.query.weight"),
                         .output = dense("attention.output.", Activation::identity)};
  }
  network.lookback.assign(config_.lookback.begin(), config_.lookback.end());
  network.position_bits = config_.position_bits;
  for (std::size_t i = 0; i < config_.dense.size(); ++i) {
    network.dense.push_back(dense(dense_name(i, ""), config_.dense[i].activation));
  }
  network.dense.push_back(dense("output.", Activation::identity));
  if (config_.head == Head::nade) {
    network.nade_hidden = dense("nade.hidden.", Activation::identity);
    network.nade_w = parameters_.value("nade.w");
    network.nade_u = parameters_.value("nade.u");
  }
  return network;
}

}  // namespace cadenza
