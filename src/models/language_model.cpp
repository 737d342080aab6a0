// SPDX-License-Identifier: Apache-2.0
#include "cadenza/language_model.h"

#include <algorithm>
#include <cmath>

#include "cadenza/error.h"
#include "nn/ops.h"

namespace cadenza {
namespace {

constexpr int kKeys = 88;

std::string layer_name(const LanguageModelConfig& config, std::string_view what, int layer) {
  return message(info_of(config.cell).module, ".", what, "_l", layer);
}

std::string dense_name(std::size_t index, std::string_view what) {
  return message("dense.", index, ".", what);
}

// Features that layer `layer` reads.
std::int64_t input_of(const LanguageModelConfig& config, int layer) {
  if (layer > 0) return config.hidden;
  return config.embedding > 0 ? config.embedding : config.width;
}

void add_linear(std::vector<ParameterSpec>& specs, const std::string& prefix, std::int64_t in,
                std::int64_t out) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  specs.push_back({prefix + "weight", {out, in}, bound});
  specs.push_back({prefix + "bias", {out}, bound});
}

void check_range(const char* name, double value, double low, double high) {
  check(value >= low && value <= high, "model: ", name, " is ", value, ", expected ", low, " to ",
        high);
}

}  // namespace

void LanguageModelConfig::validate() const {
  constexpr double kMaxUnits = 1 << 16;
  check_range("width", width, 1, (1 << 26) - 1);
  check_range("embedding", embedding, 0, kMaxUnits);
  check_range("layers", layers, 1, 64);
  check_range("hidden", hidden, 1, kMaxUnits);
  check_range("nade_hidden", nade_hidden, 1, kMaxUnits);
  check(dropout >= 0 && dropout < 1, "model: dropout is ", dropout, ", expected [0, 1)");
  check(input_dropout >= 0 && input_dropout < 1, "model: input_dropout is ", input_dropout,
        ", expected [0, 1)");
  check(std::isfinite(forget_bias), "model: forget_bias is ", forget_bias, ", expected finite");
  check(dense.size() <= 16, "model: ", dense.size(), " dense layers, expected at most 16");
  for (const DenseConfig& layer : dense) check_range("dense units", layer.units, 1, kMaxUnits);
  if (step_kind() == StepKind::frame) {
    check(width == kKeys, "model: a frame has ", kKeys, " keys, width is ", width);
    check(embedding == 0, "model: frames are read as they are, embedding is ", embedding,
          ", expected 0");
  }
}

std::vector<ParameterSpec> parameter_specs(const LanguageModelConfig& config) {
  config.validate();
  std::vector<ParameterSpec> specs;
  if (config.embedding > 0) {
    specs.push_back({"embedding.weight", {config.width, config.embedding}, 1.0});
  }
  const std::int64_t rows = std::int64_t{info_of(config.cell).gates} * config.hidden;
  const double bound = 1.0 / std::sqrt(static_cast<double>(config.hidden));
  for (int layer = 0; layer < config.layers; ++layer) {
    specs.push_back(
        {layer_name(config, "weight_ih", layer), {rows, input_of(config, layer)}, bound});
    specs.push_back({layer_name(config, "weight_hh", layer), {rows, config.hidden}, bound});
    specs.push_back({layer_name(config, "bias_ih", layer), {rows}, bound});
    specs.push_back({layer_name(config, "bias_hh", layer), {rows}, bound});
  }
  std::int64_t features = config.hidden;
  for (std::size_t i = 0; i < config.dense.size(); ++i) {
    add_linear(specs, dense_name(i, ""), features, config.dense[i].units);
    features = config.dense[i].units;
  }
  add_linear(specs, "output.", features, config.width);
  if (config.head == Head::nade) {
    add_linear(specs, "nade.hidden.", features, config.nade_hidden);
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
  if (config_.cell != CellKind::lstm || config_.forget_bias == 0.0) return;
  const std::size_t gate = info_of(config_.cell).gate_names.find('f');
  const auto hidden = static_cast<std::size_t>(config_.hidden);
  for (int layer = 0; layer < config_.layers; ++layer) {
    const std::string name = layer_name(config_, "bias_ih", layer);
    std::vector<double> bias = parameters_.download(name);
    for (std::size_t i = gate * hidden; i < (gate + 1) * hidden; ++i) {
      bias[i] += config_.forget_bias;
    }
    parameters_.upload(name, bias);
  }
}

std::vector<Tensor> LanguageModel::make_state(std::int64_t rows) const {
  std::vector<Tensor> state;
  for (int layer = 0; layer < config_.layers; ++layer) {
    state.emplace_back(backend(), Shape{info_of(config_.cell).states, rows, config_.hidden},
                       parameters_.dtype());
  }
  return state;
}

TensorView LanguageModel::loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                               const DropoutKey& key, double scale) {
  check(batch.kind == config_.step_kind() && batch.width == config_.width,
        "loss: the batch has steps of width ", batch.width, ", the model of ", config_.width);
  const Shape grid = {batch.steps, batch.rows};
  const std::int64_t steps = grid.count();
  // Most batches are full, and then no layer needs to look at lengths.
  Lengths lengths;
  if (std::any_of(batch.lengths.begin(), batch.lengths.end(),
                  [&](std::int32_t length) { return length != batch.steps; })) {
    lengths = {.device = tape.upload(std::span(batch.lengths), {batch.rows}),
               .host = batch.lengths};
  }
  const TensorView keep = tape.upload(std::span(batch.keep_state), {batch.rows});
  const TensorView weights = tape.upload(std::span(batch.weights), {steps});
  const auto parameter = [&](const std::string& name) {
    return &tape.parameter(parameters_.value(name), parameters_.gradient(name));
  };
  const auto place = [&](double rate, int stream) {
    return DropoutPlace{.rate = key.training ? rate : 0.0,
                        .seed = key.seed,
                        .stream = static_cast<std::uint64_t>(stream),
                        .step = key.step};
  };

  // 1. Input: frames, embedded ids, or ids that stand for one-hot rows.
  Variable* x = nullptr;
  if (batch.kind == StepKind::frame) {
    x = &tape.constant(
        tape.upload(std::span(batch.input_frames), {batch.steps, batch.rows, batch.width}));
  } else {
    const TensorView ids = tape.upload(std::span(batch.input_ids), grid);
    x = config_.embedding > 0 ? &embedding(tape, ids, *parameter("embedding.weight"))
                              : &tape.constant(ids);
  }
  if (x->value().dtype != DType::i32) x = &dropout(tape, *x, place(config_.input_dropout, 0));

  // 2. Recurrent layers, from the carried state.
  for (int layer = 0; layer < config_.layers; ++layer) {
    const TensorView& carried = state[static_cast<std::size_t>(layer)].view();
    for (std::int64_t s = 0; s < carried.shape[0]; ++s) {
      tape.backend().scale_rows(carried.at(s), keep);
    }
    const RecurrentSpec spec = {
        .cell = config_.cell, .input = input_of(config_, layer), .hidden = config_.hidden};
    Variable& y = recurrent(tape, spec, *x, lengths, carried,
                            {.w_ih = parameter(layer_name(config_, "weight_ih", layer)),
                             .w_hh = parameter(layer_name(config_, "weight_hh", layer)),
                             .b_ih = parameter(layer_name(config_, "bias_ih", layer)),
                             .b_hh = parameter(layer_name(config_, "bias_hh", layer))});
    x = &dropout(tape, y, place(config_.dropout, layer + 1));
  }

  // 3. Dense layers.
  const auto dense = [&](Variable& input, const std::string& prefix) -> Variable& {
    return linear(tape, input, {parameter(prefix + "weight"), parameter(prefix + "bias")});
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
                    .w = parameter("nade.w"),
                    .u = parameter("nade.u")},
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
  for (int layer = 0; layer < config_.layers; ++layer) {
    network.layers.push_back({.w_ih = parameters_.value(layer_name(config_, "weight_ih", layer)),
                              .w_hh = parameters_.value(layer_name(config_, "weight_hh", layer)),
                              .b_ih = parameters_.value(layer_name(config_, "bias_ih", layer)),
                              .b_hh = parameters_.value(layer_name(config_, "bias_hh", layer))});
  }
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
