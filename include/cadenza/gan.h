// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cadenza/classifier.h"
#include "cadenza/dataset.h"
#include "cadenza/language_model.h"
#include "cadenza/model.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// A generative adversarial network over tokens, after SeqGAN (Yu et al. 2017): a language model
/// draws pieces, a classifier learns to tell them from real ones, and the language model learns by
/// policy gradient to draw what the classifier takes for real.
///
/// Training goes through `pretraining` steps in which the generator learns by likelihood, then
/// `discriminator_pretraining` in which the discriminator alone learns; from then on each step has
/// `discriminator_updates` and `generator_updates`, each on newly drawn pieces.
struct GanConfig {
  LanguageModelConfig generator;   ///< over tokens, without conditions
  ClassifierConfig discriminator;  ///< of two classes over the same tokens: drawn, real
  int pretraining = 1000;
  int discriminator_pretraining = 100;
  int generator_updates = 1;
  int discriminator_updates = 1;
  /// The discriminator rests while its last loss is below this share of the generator's; 0: never.
  double discriminator_rest = 0.0;
  /// Every so many of the later steps the generator learns by likelihood too; 0: never.
  int likelihood_every = 1;
  /// Weight of the word on the next step against that on this one, with Pooling::step.
  double discount = 0.95;
  double generator_rate = 0.1;      ///< share of the learning rate, in policy gradient
  double discriminator_rate = 1.0;  ///< the same, of the discriminator

  /// ArgumentError names the first setting out of range.
  void validate() const;
  friend bool operator==(const GanConfig&, const GanConfig&) = default;
};

/// As it stands in a model file.
std::string to_json(const GanConfig& config);

/// Both players. Losses, in nats: "likelihood", of the generator a token, which is also loss();
/// "discriminator", a piece; "generator", minus the logarithm of the probability of being real that
/// the discriminator gives a drawn piece. Both of the latter are ln 2 where it cannot tell them.
///
/// The gradient of the generator's loss is estimated as that of the mean of (return - baseline) *
/// log p(token) over the drawn tokens (Williams 1992). The return is the logarithm of the
/// probability of being real: of the piece, or with Pooling::step the mean of those of this and the
/// later steps, each weighing `discount` times the one before. The baseline is the mean return of
/// the pieces drawn together, with Pooling::step at the same step. SeqGAN itself takes the
/// probability instead of its logarithm, and completes each beginning several times to tell what a
/// token is worth.
///
/// In files the generator's parameters are those of a LanguageModel, so that load_model() reads
/// them; those of the Classifier bear the prefix "discriminator.".
class Gan final : public Model {
 public:
  Gan(Backend& backend, const GanConfig& config, DType dtype = DType::f32);

  const GanConfig& config() const { return config_; }
  LanguageModel& generator() { return generator_; }
  Classifier& discriminator() { return discriminator_; }

  Parameters& parameters() override { return generator_.parameters(); }
  const Parameters& parameters() const override { return generator_.parameters(); }
  void initialize(std::uint64_t seed) override;
  std::string architecture() const override;
  std::string summary() const override;
  void check_data(const Dataset& data) const override;

  /// Pieces are whole, none gets an end.
  std::int64_t whole_steps() const override { return 1; }
  std::vector<Tensor> make_state(std::int64_t rows) const override;
  TensorView loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                  const DropoutKey& dropout, double scale) override;

  std::vector<Part> parts() const override;
  std::vector<Objective> objectives() override;
  void train_step(const Batch& batch, const DropoutKey& key, Teacher& teacher) override;
  bool judged_by_loss() const override { return false; }

 private:
  GanConfig config_;
  LanguageModel generator_;
  Classifier discriminator_;
};

/// What a model file says besides the weights.
struct GanFileInfo {
  GanConfig config;
  std::string tokenizer_name;
  std::string tokenizer_settings;
  std::int64_t parameter_count = 0;
  std::string training;  ///< JSON of the training state, "" if there is none
};

/// A model with the tokenizer that gives its output meaning.
struct LoadedGan {
  std::unique_ptr<Gan> model;
  std::unique_ptr<Tokenizer> tokenizer;
  GanFileInfo info;
};

/// Both as read_model_info and load_model, of a file that save_model wrote.
GanFileInfo read_gan_info(const std::filesystem::path& path);
LoadedGan load_gan(const std::filesystem::path& path, Backend& backend);

}  // namespace cadenza
