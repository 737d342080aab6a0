// SPDX-License-Identifier: Apache-2.0
#include "cadenza/gan.h"

#include "cadenza/error.h"
#include "models/check_range.h"

namespace cadenza {

void GanConfig::validate() const {
  constexpr double kMaxSteps = 1e9;
  constexpr double kMaxUpdates = 1000;
  generator.validate();
  discriminator.validate();
  check(
      generator.head == Head::softmax && generator.conditions.empty() && !generator.looks_back(),
      "model: the generator of a gan predicts tokens, obeys no conditions and does not look back");
  check(discriminator.classes == 2 && discriminator.width == generator.width,
        "model: the discriminator tells ", discriminator.classes, " classes over ",
        discriminator.width, " tokens, expected 2 over ", generator.width);
  check_range("pretraining", pretraining, 0, kMaxSteps);
  check_range("discriminator_pretraining", discriminator_pretraining, 0, kMaxSteps);
  check_range("generator_updates", generator_updates, 1, kMaxUpdates);
  check_range("discriminator_updates", discriminator_updates, 1, kMaxUpdates);
  check_range("discriminator_rest", discriminator_rest, 0, kMaxUpdates);
  check_range("likelihood_every", likelihood_every, 0, kMaxSteps);
  check_range("discount", discount, 0, 1);
  check_range("generator_rate", generator_rate, 0, kMaxUpdates);
  check_range("discriminator_rate", discriminator_rate, 0, kMaxUpdates);
}

Gan::Gan(Backend& backend, const GanConfig& config, DType dtype)
    : config_((config.validate(), config)),
      generator_(backend, config.generator, dtype),
      discriminator_(backend, config.discriminator, dtype) {}

void Gan::initialize(std::uint64_t seed) {
  generator_.initialize(seed);
  discriminator_.initialize(seed);
}

std::string Gan::architecture() const { return to_json(config_); }

std::string Gan::summary() const {
  return message("generator ", generator_.summary(), " against ", discriminator_.summary());
}

void Gan::check_data(const Dataset& data) const { generator_.check_data(data); }

std::vector<Tensor> Gan::make_state(std::int64_t rows) const { return generator_.make_state(rows); }

TensorView Gan::loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                     const DropoutKey& key, double scale) {
  return generator_.loss(tape, batch, state, key, scale);
}

std::vector<Part> Gan::parts() const {
  return {{"", &generator_.parameters()}, {"discriminator.", &discriminator_.parameters()}};
}

std::vector<Objective> Gan::objectives() {
  const auto judge = [this](Tape& tape, const Batch& batch, std::span<const Tensor> state,
                            const DropoutKey& key, double scale) {
    return discriminator_.loss(tape, batch, state, key, scale);
  };
  return {{"likelihood", &generator_.parameters(), own_loss()},
          {"generator", &generator_.parameters(), own_loss(), config_.generator_rate},
          {"discriminator", &discriminator_.parameters(), judge, config_.discriminator_rate}};
}

}  // namespace cadenza
