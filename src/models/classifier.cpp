// SPDX-License-Identifier: Apache-2.0
#include "cadenza/classifier.h"

#include <cmath>

#include "cadenza/error.h"
#include "models/check_range.h"
#include "models/dropout_place.h"
#include "nn/arrange.h"
#include "nn/recurrent_stack.h"

namespace cadenza {
namespace {

// Places of dropout; there are at most 64 layers.
constexpr int kInput = 0;
constexpr int kLayers = 1;
constexpr int kPooled = 65;

RecurrentStack stack_of(const ClassifierConfig& config) {
  return {.prefix = "",
          .cell = config.cell,
          .layers = config.layers,
          .input = config.embedding,
          .hidden = config.hidden,
          .directions = config.reading == Reading::both ? Directions::both : Directions::forward};
}

}  // namespace

void ClassifierConfig::validate() const {
  constexpr double kMaxUnits = 1 << 16;
  check_range("width", width, 1, (1 << 26) - 1);
  check_range("classes", classes, 2, kMaxUnits);
  check_range("embedding", embedding, 1, kMaxUnits);
  check_range("layers", layers, 1, 64);
  check_range("hidden", hidden, 1, kMaxUnits);
  check_share("dropout", dropout);
  check_share("input_dropout", input_dropout);
  check(std::isfinite(forget_bias), "model: forget_bias is ", forget_bias, ", expected finite");
  check(label_weights.empty() || label_weights.size() == static_cast<std::size_t>(classes),
        "model: there are ", label_weights.size(), " label weights, expected none or ", classes);
  constexpr double kMaxWeight = 1e6;
  for (const double weight : label_weights) check_range("label_weights", weight, 0, kMaxWeight);
}

std::vector<double> balanced_label_weights(const Dataset& data) {
  std::vector<double> steps(data.labels.size(), 0.0);
  double total = 0.0;
  for (const Piece& piece : data[Split::train]) {
    const auto size = static_cast<double>(piece.sequence.size());
    steps[static_cast<std::size_t>(piece.label)] += size;
    total += size;
  }
  std::vector<double> weights;
  for (std::size_t label = 0; label < steps.size(); ++label) {
    check(steps[label] > 0.0, "no training piece has the label ", data.labels[label]);
    weights.push_back(total / (static_cast<double>(steps.size()) * steps[label]));
  }
  return weights;
}

std::vector<ParameterSpec> parameter_specs(const ClassifierConfig& config) {
  config.validate();
  const RecurrentStack stack = stack_of(config);
  std::vector<ParameterSpec> specs;
  specs.push_back({"embedding.weight", {config.width, config.embedding}, 1.0});
  stack.add_specs(specs);
  add_linear_specs(specs, "output.", stack.width(), config.classes);
  return specs;
}

Classifier::Classifier(Backend& backend, const ClassifierConfig& config, DType dtype)
    : config_(config), parameters_(backend, dtype, parameter_specs(config)) {}

void Classifier::initialize(std::uint64_t seed) {
  parameters_.initialize(seed);
  stack_of(config_).add_forget_bias(parameters_, config_.forget_bias);
}

std::string Classifier::architecture() const { return to_json(config_); }

std::string Classifier::summary() const {
  return message("classifier of ", config_.classes, " labels, ", config_.layers, " x ",
                 info_of(config_.cell).name, config_.reading == Reading::both ? "(2 x " : "(",
                 config_.hidden, "), ", name_of(config_.pooling));
}

void Classifier::check_data(const Dataset& data) const {
  check(!data.pairs, "the data holds pairs for a seq2seq model, expected single sequences");
  check(data.labels.size() == static_cast<std::size_t>(config_.classes), "the data has ",
        data.labels.size(), " labels, the model ", config_.classes);
  check(data.step_kind == StepKind::token && data.vocabulary == config_.width, "the data has ",
        data.vocabulary, data.step_kind == StepKind::token ? " tokens" : " keys", ", the model ",
        config_.width, " tokens");
}

Variable& Classifier::scores(Tape& tape, const Pieces& pieces, const DropoutKey& key) {
  const auto rows = static_cast<std::int64_t>(pieces.lengths.size());
  const TensorView ids = tape.upload(pieces.ids, {pieces.steps, rows});
  Variable& x =
      dropout(tape, embedding(tape, ids, parameter(tape, parameters_, "embedding.weight")),
              dropout_place(key, config_.input_dropout, kInput));
  const RecurrentStack stack = stack_of(config_);
  const EncoderOutput output = encode(
      tape, parameters_, stack, {.x = &x, .lengths = pieces.lengths, .dropout = [&](int layer) {
                                   return dropout_place(key, config_.dropout, kLayers + layer);
                                 }});
  const LinearParameters head = linear_parameters(tape, parameters_, "output.");
  if (config_.pooling == Pooling::step) return linear(tape, output.y, head);
  Variable& pooled =
      config_.pooling == Pooling::mean
          ? mean_over_steps(tape, output.y, tape.upload(pieces.lengths, {rows}))
          : dropout(tape, output.summary, dropout_place(key, config_.dropout, kPooled));
  return linear(tape, reshape(tape, pooled, {rows, stack.width()}), head);
}

TensorView Classifier::loss(Tape& tape, const Batch& batch, std::span<const Tensor>,
                            const DropoutKey& key, double scale) {
  check(batch.kind == StepKind::token && batch.width == config_.width &&
            static_cast<std::int64_t>(batch.labels.size()) == batch.rows,
        "loss: the batch has ", batch.labels.size(), " labels for ", batch.rows, " rows over ",
        batch.width, " tokens, expected as many over ", config_.width);
  Variable& logits =
      scores(tape, {.steps = batch.steps, .ids = batch.target_ids, .lengths = batch.lengths}, key);
  const std::int64_t count = batch.steps * batch.rows;
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> labels;
  std::vector<float> weights = batch.weights;
  for (std::int64_t t = 0; t < batch.steps; ++t) {
    for (std::int64_t b = 0; b < batch.rows; ++b) {
      rows.push_back(static_cast<std::int32_t>(b));
      const std::int32_t label = batch.labels[static_cast<std::size_t>(b)];
      labels.push_back(label);
      if (label < 0 || config_.label_weights.empty()) continue;
      weights[static_cast<std::size_t>(t * batch.rows + b)] *=
          static_cast<float>(config_.label_weights[static_cast<std::size_t>(label)]);
    }
  }
  Variable& of_steps = config_.pooling == Pooling::step
                           ? logits
                           : gather_rows(tape, logits, tape.upload(std::span(rows), {count}),
                                         {count, config_.classes});
  return softmax_loss(tape, of_steps, tape.upload(std::span(labels), {count}),
                      tape.upload(std::span(weights), {count}), scale);
}

}  // namespace cadenza
