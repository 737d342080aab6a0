// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Whether a piece is read from its start only or also from its end.
enum class Reading : std::uint8_t { forward, both };
/// What of the last layer's outputs tells the label: those of the last step in each direction,
/// their mean over all steps, or those of each step, which then tells it for itself.
enum class Pooling : std::uint8_t { last, mean, step };
std::string_view name_of(Reading reading);
std::string_view name_of(Pooling pooling);
/// ArgumentError lists the known names.
Reading parse_reading(std::string_view name);
Pooling parse_pooling(std::string_view name);

/// Architecture of a model that tells the style of a token sequence.
struct ClassifierConfig {
  int width = 0;    ///< vocabulary
  int classes = 0;  ///< labels
  int embedding = 64;
  CellKind cell = CellKind::lstm;
  int layers = 1;
  int hidden = 128;  ///< of each direction
  Reading reading = Reading::both;
  Pooling pooling = Pooling::mean;
  double dropout = 0.0;        ///< after every recurrent layer
  double input_dropout = 0.0;  ///< on embeddings
  double forget_bias = 0.0;    ///< initial value added to the LSTM forget gates' biases
  /// What the loss of a piece of each label is multiplied by; empty: by 1.
  std::vector<double> label_weights = {};

  /// ArgumentError names the first setting out of range.
  void validate() const;
  friend bool operator==(const ClassifierConfig&, const ClassifierConfig&) = default;
};

/// Label weights with which all labels together weigh as much in a loss as they do without, and each
/// as much as any other. ArgumentError if a label has no step in the training pieces.
std::vector<double> balanced_label_weights(const Dataset& data);

/// The parameters of such a model, in file order. ArgumentError if the configuration is invalid.
std::vector<ParameterSpec> parameter_specs(const ClassifierConfig& config);
/// The architecture as it stands in a model file's metadata under "model".
std::string to_json(const ClassifierConfig& config);

/// Predicts the label of a whole piece. Every step bears the loss of its piece's label, so that
/// losses are means over steps as those of other models, and long pieces weigh more.
///
/// Parameters bear PyTorch's names: `embedding.weight` [width, E]; `lstm.weight_ih_l0`,
/// `lstm.weight_ih_l0_reverse`, ...; `output.weight` [classes, H or 2 H].
class Classifier final : public Model {
 public:
  Classifier(Backend& backend, const ClassifierConfig& config, DType dtype = DType::f32);

  const ClassifierConfig& config() const { return config_; }
  Parameters& parameters() override { return parameters_; }
  const Parameters& parameters() const override { return parameters_; }
  /// As LanguageModel::initialize.
  void initialize(std::uint64_t seed) override;
  std::string architecture() const override;
  std::string summary() const override;
  void check_data(const Dataset& data) const override;

  /// Pieces are whole, none gets an end.
  std::int64_t whole_steps() const override { return 1; }
  std::vector<Tensor> make_state(std::int64_t) const override { return {}; }
  TensorView loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                  const DropoutKey& dropout, double scale) override;

  /// Token sequences side by side, ids [T, B], -1 beyond the lengths [B], which must live until the
  /// way back is done. Gives their unnormalised log-probabilities of the labels, [B, classes], or
  /// with Pooling::step those of every step, [T * B, classes].
  struct Pieces {
    std::int64_t steps = 0;
    std::span<const std::int32_t> ids;
    std::span<const std::int32_t> lengths;
  };
  Variable& scores(Tape& tape, const Pieces& pieces, const DropoutKey& dropout);

 private:
  ClassifierConfig config_;
  Parameters parameters_;
};

/// The probability of every label for each piece, [pieces][classes]; with Pooling::step the mean of
/// what its steps say. ArgumentError for a piece that is empty or has a token outside the
/// vocabulary.
std::vector<std::vector<double>> classify(Classifier& model, std::span<const Sequence> pieces,
                                          int batch_size = 64);
/// The logarithms of these probabilities, for each piece once or with Pooling::step for each of its
/// steps: [pieces][1 or steps][classes].
std::vector<std::vector<std::vector<double>>> log_shares(Classifier& model,
                                                         std::span<const Sequence> pieces,
                                                         int batch_size = 64);

/// What a model file says besides the weights.
struct ClassifierFileInfo {
  ClassifierConfig config;
  std::string tokenizer_name;
  std::string tokenizer_settings;
  std::vector<std::string> labels;
  MusicInfo music;  ///< what its pieces are
  std::int64_t parameter_count = 0;
  std::string training;  ///< JSON of the training state, "" if there is none
};

/// A model with the tokenizer that gives its input meaning.
struct LoadedClassifier {
  std::unique_ptr<Classifier> model;
  std::unique_ptr<Tokenizer> tokenizer;
  ClassifierFileInfo info;
};

/// Both as read_model_info and load_model, of a file that save_model wrote.
ClassifierFileInfo read_classifier_info(const std::filesystem::path& path);
LoadedClassifier load_classifier(const std::filesystem::path& path, Backend& backend);

}  // namespace cadenza
