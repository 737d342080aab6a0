// SPDX-License-Identifier: Apache-2.0
#include "cadenza/seq2seq.h"

#include <cmath>

#include "cadenza/error.h"
#include "models/check_range.h"
#include "models/own_tokens.h"
#include "models/seq2seq_pass.h"

namespace cadenza {
void Seq2SeqConfig::validate() const {
  constexpr double kMaxUnits = 1 << 16;
  check_range("source_width", source_width, 1, (1 << 26) - 1);
  check_range("width", width, 1, (1 << 22) - 1);
  check_range("embedding", embedding, 1, kMaxUnits);
  check_range("encoder_layers", encoder_layers, 0, 64);
  check_range("layers", layers, 1, 64);
  check_range("hidden", hidden, 1, kMaxUnits);
  check_share("dropout", dropout);
  check_share("input_dropout", input_dropout);
  check(std::isfinite(forget_bias), "model: forget_bias is ", forget_bias, ", expected finite");
  check_range("own_tokens", own_tokens, 0, 1);
  check_range("own_tokens_slope", own_tokens_slope, 1, 1e9);
  check(encoder_layers == 0 || hidden % 2 == 0, "model: hidden is ", hidden,
        ", expected an even number, half of it for each direction of the encoder");
  check(encoder_layers > 0 || attention == Scoring::none,
        "model: attention needs an encoder, encoder_layers is 0");
  check(attention != Scoring::none || input_feeding == InputFeeding::no,
        "model: input feeding feeds what attention gives, attention is none");
}

std::vector<ParameterSpec> parameter_specs(const Seq2SeqConfig& config) {
  config.validate();
  const std::int64_t hidden = config.hidden;
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
  std::vector<ParameterSpec> specs;
  if (config.encoder_layers > 0) {
    specs.push_back({"source_embedding.weight", {config.source_width, config.embedding}, 1.0});
    encoder_of(config).add_specs(specs);
    add_linear_specs(specs, "bridge.", hidden,
                     hidden * config.layers * info_of(config.cell).states);
  }
  specs.push_back({"embedding.weight", {config.width + 1, config.embedding}, 1.0});
  decoder_of(config).add_specs(specs);
  if (config.attention == Scoring::additive || config.attention == Scoring::general) {
    specs.push_back({"attention.query.weight", {hidden, hidden}, bound});
  }
  if (config.attention == Scoring::additive) {
    specs.push_back({"attention.key.weight", {hidden, hidden}, bound});
    specs.push_back({"attention.v", {hidden}, bound});
  }
  if (config.attention != Scoring::none) {
    add_linear_specs(specs, "attention.output.", 2 * hidden, hidden);
  }
  add_linear_specs(specs, "output.", hidden, config.width + 1);
  return specs;
}

Seq2Seq::Seq2Seq(Backend& backend, const Seq2SeqConfig& config, DType dtype)
    : config_(config), parameters_(backend, dtype, parameter_specs(config)) {}

void Seq2Seq::initialize(std::uint64_t seed) {
  parameters_.initialize(seed);
  if (config_.encoder_layers > 0) {
    encoder_of(config_).add_forget_bias(parameters_, config_.forget_bias);
  }
  decoder_of(config_).add_forget_bias(parameters_, config_.forget_bias);
}

std::string Seq2Seq::architecture() const { return to_json(config_); }

std::string Seq2Seq::summary() const {
  const std::string_view cell = info_of(config_.cell).name;
  const std::string encoder = config_.encoder_layers == 0
                                  ? std::string("no encoder")
                                  : message("encoder ", config_.encoder_layers, " x ", cell,
                                            "(2 x ", config_.hidden / 2, ")");
  return message(encoder, ", decoder ", config_.layers, " x ", cell, "(", config_.hidden,
                 "), attention ", name_of(config_.attention),
                 config_.input_feeding == InputFeeding::yes ? ", input feeding" : "");
}

void Seq2Seq::check_data(const Dataset& data) const {
  check(data.pairs.has_value(),
        "the data holds single sequences, expected pairs of a source and a target for seq2seq");
  check(data.step_kind == StepKind::token && data.vocabulary == config_.width &&
            data.pairs->vocabulary == config_.source_width,
        "the data has pairs over ", data.pairs->vocabulary, " and ", data.vocabulary,
        " tokens, the model over ", config_.source_width, " and ", config_.width);
}

TensorView Seq2Seq::loss(Tape& tape, const Batch& batch, std::span<const Tensor>,
                         const DropoutKey& key, double scale) {
  check(batch.kind == StepKind::token && batch.width == config_.width &&
            static_cast<std::int64_t>(batch.source_lengths.size()) == batch.rows,
        "loss: the batch has targets over ", batch.width, " tokens and ",
        batch.source_lengths.size(), " sources, expected ", config_.width, " and ", batch.rows);
  Seq2SeqPass pass(tape, config_, parameters_, key);
  Seq2SeqPass::Encoded encoded = pass.encode(
      {.steps = batch.source_steps, .ids = batch.source_ids, .lengths = batch.source_lengths});
  const TensorView ids = tape.upload(std::span(batch.input_ids), {batch.steps, batch.rows});
  Variable& truth = pass.embed(ids);

  // The decoder goes step by step where a step reads what the one before it gave, and otherwise
  // through all steps at once. What it computes beyond a target's length has no weight.
  OwnTokens own(tape, {config_.own_tokens, config_.own_tokens_slope}, batch.rows, key);
  const bool at_once = config_.input_feeding == InputFeeding::no && !own.any();
  const StepDecoder decoder = {
      .embed = [&](const TensorView& drawn) -> Variable& { return pass.embed(drawn); },
      .decode = [&](Variable& x, std::int64_t t) -> Variable& {
        return pass.decode(pass.drop_input(x, t), encoded.memory, encoded.state, t);
      },
      .logits = [&](const TensorView& features) { return pass.logits(features); }};
  Variable& features =
      at_once ? decoder.decode(truth, 0) : decode_stepwise(tape, truth, own, decoder);
  const std::int64_t count = batch.steps * batch.rows;
  return softmax_loss(tape, pass.logits(features),
                      tape.upload(std::span(batch.target_ids), {count}),
                      tape.upload(std::span(batch.weights), {count}), scale);
}

}  // namespace cadenza
