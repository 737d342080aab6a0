// SPDX-License-Identifier: Apache-2.0
#include "cadenza/vae.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cadenza/error.h"
#include "models/check_range.h"
#include "models/vae_pass.h"

namespace cadenza {
namespace {

double kl_weight(const VaeConfig& config, const DropoutKey& key) {
  if (!key.training || config.kl_warmup == 0) return config.kl_weight;
  return config.kl_weight * std::min(1.0, static_cast<double>(key.step) / config.kl_warmup);
}

// Noise [B, Z] for the codes of a batch; rows without a piece have none.
std::vector<float> noise_of(const Batch& batch, const DropoutKey& key, std::int64_t latent) {
  std::vector<float> noise;
  for (const std::int64_t piece : batch.piece) {
    std::vector<float> row(static_cast<std::size_t>(latent), 0.0F);
    if (piece >= 0) {
      row = latent_noise(key.seed, static_cast<std::uint64_t>(piece), key.step, latent);
    }
    noise.insert(noise.end(), row.begin(), row.end());
  }
  return noise;
}

}  // namespace

void VaeConfig::validate() const {
  constexpr double kMaxUnits = 1 << 16;
  check_range("width", width, 1, (1 << 22) - 1);
  check_range("steps", steps, 1, 1 << 16);
  check_range("embedding", embedding, 1, kMaxUnits);
  check_range("encoder_layers", encoder_layers, 1, 64);
  check_range("layers", layers, 1, 64);
  check_range("hidden", hidden, 1, kMaxUnits);
  check_range("latent", latent, 1, kMaxUnits);
  check_range("segments", segments, 1, steps);
  check_range("labels", labels, 0, kMaxUnits);
  check_range("label_embedding", label_embedding, 1, kMaxUnits);
  check(steps % segments == 0, "model: ", steps, " steps are no ", segments,
        " segments of equal length");
  check_range("kl_weight", kl_weight, 0, 1e6);
  check_range("kl_warmup", kl_warmup, 0, 1e9);
  check_range("free_bits", free_bits, 0, 1e6);
  check_share("dropout", dropout);
  check_share("input_dropout", input_dropout);
  check_range("word_dropout", word_dropout, 0, 1);
  check(std::isfinite(forget_bias), "model: forget_bias is ", forget_bias, ", expected finite");
  check_range("own_tokens", own_tokens, 0, 1);
  check_range("own_tokens_slope", own_tokens_slope, 1, 1e9);
}

std::vector<ParameterSpec> parameter_specs(const VaeConfig& config) {
  config.validate();
  const RecurrentStack encoder = encoder_of(config);
  const RecurrentStack decoder = decoder_of(config);
  const std::int64_t states =
      std::int64_t{config.hidden} * config.layers * info_of(config.cell).states;
  std::vector<ParameterSpec> specs;
  specs.push_back({"embedding.weight", {config.width + 1, config.embedding}, 1.0});
  encoder.add_specs(specs);
  add_linear_specs(specs, "mean.", encoder.width(), config.latent);
  if (config.variational == Variational::yes) {
    add_linear_specs(specs, "spread.", encoder.width(), config.latent);
  }
  if (config.labels > 0) {
    specs.push_back({"label_embedding.weight", {config.labels, config.label_embedding}, 1.0});
  }
  if (config.segments > 1) {
    add_linear_specs(specs, "conductor.bridge.", config.told(), states);
    conductor_of(config).add_specs(specs);
  }
  add_linear_specs(specs, "bridge.", decoder.input - config.embedding, states);
  decoder.add_specs(specs);
  add_linear_specs(specs, "output.", config.hidden, config.width + 1);
  return specs;
}

Vae::Vae(Backend& backend, const VaeConfig& config, DType dtype)
    : config_(config), parameters_(backend, dtype, parameter_specs(config)) {}

void Vae::initialize(std::uint64_t seed) {
  parameters_.initialize(seed);
  encoder_of(config_).add_forget_bias(parameters_, config_.forget_bias);
  if (config_.segments > 1) {
    conductor_of(config_).add_forget_bias(parameters_, config_.forget_bias);
  }
  decoder_of(config_).add_forget_bias(parameters_, config_.forget_bias);
}

std::string Vae::architecture() const { return to_json(config_); }

std::string Vae::summary() const {
  const std::string_view cell = info_of(config_.cell).name;
  const std::string conductor =
      config_.segments > 1
          ? message("conductor over ", config_.segments, " x ", config_.segment_steps(), " steps, ")
          : std::string();
  return message(
      config_.variational == Variational::yes ? "variational autoencoder" : "autoencoder", " of ",
      config_.steps, " steps, encoder ", config_.encoder_layers, " x ", cell, "(2 x ",
      config_.hidden, "), code ", config_.latent,
      config_.labels > 0 ? message(" and one of ", config_.labels, " labels") : std::string(), ", ",
      conductor, "decoder ", config_.layers, " x ", cell, "(", config_.hidden, ")");
}

void Vae::check_data(const Dataset& data) const {
  check(!data.pairs, "the data holds pairs for a seq2seq model, expected single sequences");
  check(data.step_kind == StepKind::token && data.vocabulary == config_.width, "the data has ",
        data.vocabulary, data.step_kind == StepKind::token ? " tokens" : " keys", ", the model ",
        config_.width, " tokens");
  check(config_.labels == 0 || data.labels.size() == static_cast<std::size_t>(config_.labels),
        "the data has ", data.labels.size(), " labels, the model is conditioned on ",
        config_.labels);
  for (const auto& pieces : data.splits) {
    for (const Piece& piece : pieces) {
      check(piece.sequence.size() <= static_cast<std::size_t>(config_.steps), "the piece '",
            piece.name, "' has ", piece.sequence.size(), " tokens, the model takes up to ",
            config_.steps, "; 'cadenza prepare --bars' cuts music into parts");
    }
  }
}

TensorView Vae::loss(Tape& tape, const Batch& batch, std::span<const Tensor>, const DropoutKey& key,
                     double scale) {
  check(
      batch.kind == StepKind::token && batch.width == config_.width && batch.steps <= config_.steps,
      "loss: the batch has ", batch.steps, " steps over ", batch.width, " tokens, expected up to ",
      config_.steps, " over ", config_.width);
  VaePass pass(tape, config_, parameters_, key);
  const VaePass::Encoded encoded =
      pass.encode({.steps = batch.steps, .ids = batch.target_ids, .lengths = batch.lengths});
  const std::optional<Gaussian>& posterior = encoded.posterior;
  Variable* codes = &encoded.mean;
  if (posterior) {
    const std::vector<float> noise = noise_of(batch, key, config_.latent);
    codes = &posterior->sample(tape.upload(std::span(noise), encoded.mean.value().shape));
  }
  const TensorView losses = pass.losses(pass.tell(*codes, batch.labels), batch, scale);
  code_cost_ = {};
  if (!posterior) return losses;

  // A row counts if it has a first step.
  const std::span counts = std::span(batch.weights).first(batch.lengths.size());
  const double weight = kl_weight(config_, key);
  const auto [divergence, cost] = posterior->divergence(
      tape.upload(counts, {batch.rows}), config_.free_bits * std::numbers::ln2, weight * scale);
  code_cost_ = {.divergence = divergence, .cost = tape.allocate({batch.rows})};
  tape.backend().fill(code_cost_.cost, 0.0);
  tape.backend().add(cost, code_cost_.cost, weight);
  tape.backend().add(code_cost_.cost, losses.slice(0, batch.rows));
  return losses;
}

}  // namespace cadenza
