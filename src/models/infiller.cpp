// SPDX-License-Identifier: Apache-2.0
#include "cadenza/infiller.h"

#include <cmath>

#include "cadenza/error.h"
#include "cadenza/random.h"
#include "models/check_range.h"
#include "models/infiller_pass.h"

namespace cadenza {
namespace {

// The tokens of a batch as a grid, a share of them hidden in training.
GridRows grid_of(const Batch& batch, const InfillerConfig& config, const DropoutKey& key) {
  const std::int64_t voices = config.voices;
  GridRows grid = {.steps = (batch.steps + voices - 1) / voices, .ids = {}, .lengths = {}};
  for (const std::int32_t tokens : batch.lengths) {
    grid.lengths.push_back(static_cast<std::int32_t>(tokens / voices));
  }
  grid.ids.assign(static_cast<std::size_t>(grid.steps * batch.rows * voices), -1);
  for (std::int64_t b = 0; b < batch.rows; ++b) {
    const auto uniform = [&](std::int64_t item) {
      return uniform_double(
          random_bits(key.seed, {.purpose = RandomPurpose::word,
                                 .sequence = static_cast<std::uint64_t>(key.step * batch.rows + b),
                                 .step = static_cast<std::uint32_t>(item)}));
    };
    const double share = key.training ? config.word_dropout * uniform(batch.steps) : 0.0;
    for (std::int64_t t = 0; t < batch.steps; ++t) {
      if (share > 0.0 && uniform(t) < share) continue;
      const auto to = static_cast<std::size_t>((t / voices * batch.rows + b) * voices + t % voices);
      grid.ids[to] = batch.target_ids[static_cast<std::size_t>(t * batch.rows + b)];
    }
  }
  return grid;
}

}  // namespace

void InfillerConfig::validate() const {
  constexpr double kMaxUnits = 1 << 16;
  check_range("width", width, 1, (1 << 26) - 1);
  check_range("voices", voices, 1, 1024);
  check_range("period", period, 1, kMaxUnits);
  check_range("embedding", embedding, 1, kMaxUnits);
  check_range("layers", layers, 1, 64);
  check_range("hidden", hidden, 1, kMaxUnits);
  check_share("dropout", dropout);
  check_share("input_dropout", input_dropout);
  check(std::isfinite(forget_bias), "model: forget_bias is ", forget_bias, ", expected finite");
  check_range("word_dropout", word_dropout, 0, 1);
}

std::vector<ParameterSpec> parameter_specs(const InfillerConfig& config) {
  config.validate();
  const bool several = config.voices > 1;
  const std::int64_t step = several ? std::int64_t{config.embedding} * (config.voices + 2)
                                    : std::int64_t{config.embedding};
  std::vector<ParameterSpec> specs;
  specs.push_back({"embedding.weight", {config.width, config.embedding}, 1.0});
  specs.push_back({"beat.weight", {config.period, config.embedding}, 1.0});
  if (several) specs.push_back({"voice.weight", {config.voices, config.embedding}, 1.0});
  past_of(config).add_specs(specs);
  future_of(config).add_specs(specs);
  add_linear_specs(specs, "hidden.", 2 * std::int64_t{config.hidden} + step, config.hidden);
  add_linear_specs(specs, "output.", config.hidden, config.width);
  return specs;
}

Infiller::Infiller(Backend& backend, const InfillerConfig& config, DType dtype)
    : config_(config), parameters_(backend, dtype, parameter_specs(config)) {}

void Infiller::initialize(std::uint64_t seed) {
  parameters_.initialize(seed);
  past_of(config_).add_forget_bias(parameters_, config_.forget_bias);
  future_of(config_).add_forget_bias(parameters_, config_.forget_bias);
}

std::string Infiller::architecture() const { return to_json(config_); }

std::string Infiller::summary() const {
  return message("infiller of ", config_.voices, config_.voices == 1 ? " voice, " : " voices, ",
                 config_.layers, " x ", info_of(config_.cell).name, "(2 x ", config_.hidden, ")");
}

void Infiller::check_data(const Dataset& data) const {
  check(!data.pairs, "the data holds pairs for a seq2seq model, expected single sequences");
  check(data.step_kind == StepKind::token && data.vocabulary == config_.width, "the data has ",
        data.vocabulary, data.step_kind == StepKind::token ? " tokens" : " keys", ", the model ",
        config_.width, " tokens");
  for (const std::vector<Piece>& pieces : data.splits) {
    for (const Piece& piece : pieces) {
      check(piece.sequence.size() % static_cast<std::size_t>(config_.voices) == 0, "the piece ",
            piece.name, " has ", piece.sequence.size(), " tokens, expected ", config_.voices,
            " in every step");
    }
  }
}

TensorView Infiller::loss(Tape& tape, const Batch& batch, std::span<const Tensor>,
                          const DropoutKey& key, double scale) {
  check(batch.kind == StepKind::token && batch.width == config_.width,
        "loss: the batch has steps of width ", batch.width, ", the model of ", config_.width);
  const std::int64_t count = batch.steps * batch.rows;
  std::vector<GridPlace> places;
  for (std::int64_t t = 0; t < batch.steps; ++t) {
    for (std::int64_t b = 0; b < batch.rows; ++b) {
      places.push_back({t / config_.voices, b, t % config_.voices});
    }
  }
  InfillerPass pass(tape, config_, parameters_, key);
  Variable& logits = pass.logits(grid_of(batch, config_, key), places);
  return softmax_loss(tape, logits, tape.upload(std::span(batch.target_ids), {count}),
                      tape.upload(std::span(batch.weights), {count}), scale);
}

}  // namespace cadenza
