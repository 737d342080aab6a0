// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Architecture of a model that fills in music on a grid, after DeepBach (Hadjeres, Pachet and
/// Nielsen 2017): for every voice of every step, `layers` layers over the steps before it, as many
/// over those after it from the end, the other voices of the same step, which voice and which step
/// of the beat it is; then one hidden layer of rectified units, `hidden` wide too. All voices share
/// the weights.
struct InfillerConfig {
  int width = 0;   ///< vocabulary
  int voices = 1;  ///< tokens of a step, one a voice, side by side in the sequence
  int period = 4;  ///< steps of a beat
  int embedding = 64;
  CellKind cell = CellKind::lstm;
  int layers = 1;
  int hidden = 128;
  double dropout = 0.0;        ///< after every recurrent layer and the hidden one
  double input_dropout = 0.0;  ///< on embeddings
  double forget_bias = 0.0;    ///< initial value added to the LSTM forget gates' biases
  /// In training every piece hides a share of its tokens, drawn uniformly between 0 and this, from
  /// all predictions, so that the model also knows music that is there in part (as the orderless
  /// NADE of Uria, Murray and Larochelle 2014).
  double word_dropout = 0.0;

  /// ArgumentError names the first setting out of range.
  void validate() const;
  friend bool operator==(const InfillerConfig&, const InfillerConfig&) = default;
};

/// The parameters of such a model, in file order. ArgumentError if the configuration is invalid.
std::vector<ParameterSpec> parameter_specs(const InfillerConfig& config);
/// The architecture as it stands in a model file's metadata under "model".
std::string to_json(const InfillerConfig& config);

/// Predicts each token of a piece from all the others. Its losses are those of each token given the
/// rest: their sum is the pseudo-likelihood (Besag 1975), not that of the piece.
///
/// Parameters bear PyTorch's names: `embedding.weight` [width, E], `beat.weight` [period, E],
/// `voice.weight` [voices, E] (several voices only); `past.lstm.weight_ih_l0` [4H, voices * E + E],
/// ..., `future.lstm.weight_ih_l0`, ...; `hidden.weight` [H, ...] on [past, future, beat] and, of
/// several voices, [voices of the step, voice]; `output.weight` [width, H].
class Infiller final : public Model {
 public:
  Infiller(Backend& backend, const InfillerConfig& config, DType dtype = DType::f32);

  const InfillerConfig& config() const { return config_; }
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

 private:
  InfillerConfig config_;
  Parameters parameters_;
};

/// What a model file says besides the weights.
struct InfillerFileInfo {
  InfillerConfig config;
  std::string tokenizer_name;
  std::string tokenizer_settings;
  std::int64_t parameter_count = 0;
  std::string training;  ///< JSON of the training state, "" if there is none
};

/// A model with the tokenizer that gives its tokens meaning.
struct LoadedInfiller {
  std::unique_ptr<Infiller> model;
  std::unique_ptr<Tokenizer> tokenizer;
  InfillerFileInfo info;
};

/// Both as read_model_info and load_model, of a file that save_model wrote.
InfillerFileInfo read_infiller_info(const std::filesystem::path& path);
LoadedInfiller load_infiller(const std::filesystem::path& path, Backend& backend);

}  // namespace cadenza
