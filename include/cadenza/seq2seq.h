// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// How a decoder looks at the encoder's outputs m with its own output h: additive v . tanh(Q h +
/// K m) (Bahdanau et al. 2015), dot h . m or general h . Q' m (Luong et al. 2015).
enum class Scoring : std::uint8_t { none, additive, dot, general };
std::string_view name_of(Scoring scoring);
/// ArgumentError lists the known names.
Scoring parse_scoring(std::string_view name);

/// The decoder also reads its attentional output of the step before (Luong et al. 2015).
enum class InputFeeding : std::uint8_t { no, yes };

/// Architecture of a model that transforms one token sequence into another. Encoder: embedding and
/// `encoder_layers` layers in both directions, hidden / 2 wide each. Decoder: embedding and
/// `layers` layers that start from the encoder's summary; attention; output.
struct Seq2SeqConfig {
  int source_width = 0;  ///< vocabulary of the sources
  int width = 0;         ///< vocabulary of the targets; the model adds a token for their end
  int embedding = 64;    ///< of both
  CellKind cell = CellKind::lstm;
  int encoder_layers = 1;  ///< 0: no encoder, the targets are predicted from themselves alone
  int layers = 1;
  int hidden = 128;
  Scoring attention = Scoring::general;
  InputFeeding input_feeding = InputFeeding::no;
  double dropout = 0.0;        ///< after every recurrent layer and the attentional output
  double input_dropout = 0.0;  ///< on embeddings
  double forget_bias = 0.0;    ///< initial value added to the LSTM forget gates' biases
  /// Scheduled sampling (Bengio et al. 2015): the share of tokens that the decoder drew itself in
  /// place of true ones rises towards `own_tokens` as 1 - k / (k + exp(update / k)).
  double own_tokens = 0.0;
  double own_tokens_slope = 1000.0;  ///< k

  std::int32_t end_token() const { return width; }
  /// ArgumentError names the first setting out of range.
  void validate() const;
  friend bool operator==(const Seq2SeqConfig&, const Seq2SeqConfig&) = default;
};

/// The parameters of such a model, in file order. ArgumentError if the configuration is invalid.
std::vector<ParameterSpec> parameter_specs(const Seq2SeqConfig& config);
/// The architecture as it stands in a model file's metadata under "model".
std::string to_json(const Seq2SeqConfig& config);

/// Predicts each token of a target, and its end, from the tokens before it and from a source.
///
/// Parameters bear PyTorch's names: `source_embedding.weight` [source_width, E];
/// `encoder.lstm.weight_ih_l0`, `encoder.lstm.weight_ih_l0_reverse`, ...; `bridge.weight`
/// [layers * S * H, H]: tanh of it gives the decoder's first states; `embedding.weight`
/// [width + 1, E]; `decoder.lstm.weight_ih_l0`, ...; `attention.query.weight` [H, H] (additive,
/// general), `attention.key.weight` [H, H] and `attention.v` [H] (additive);
/// `attention.output.weight` [H, 2H] on [context, h], followed by tanh; `output.weight`
/// [width + 1, H].
class Seq2Seq final : public Model {
 public:
  Seq2Seq(Backend& backend, const Seq2SeqConfig& config, DType dtype = DType::f32);

  const Seq2SeqConfig& config() const { return config_; }
  Parameters& parameters() override { return parameters_; }
  const Parameters& parameters() const override { return parameters_; }
  /// As LanguageModel::initialize.
  void initialize(std::uint64_t seed) override;
  std::string architecture() const override;
  std::string summary() const override;
  void check_data(const Dataset& data) const override;

  /// Nothing: every pair is read from its start.
  std::vector<Tensor> make_state(std::int64_t) const override { return {}; }
  TensorView loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                  const DropoutKey& dropout, double scale) override;

 private:
  Seq2SeqConfig config_;
  Parameters parameters_;
};

/// What a model file says besides the weights.
struct Seq2SeqFileInfo {
  Seq2SeqConfig config;
  std::string tokenizer_name;  ///< of the targets
  std::string tokenizer_settings;
  PairInfo pairs;
  std::int64_t parameter_count = 0;
  std::string training;  ///< JSON of the training state, "" if there is none
};

/// A model with the tokenizers that give its input and output meaning.
struct LoadedSeq2Seq {
  std::unique_ptr<Seq2Seq> model;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Tokenizer> source_tokenizer;
  Seq2SeqFileInfo info;
};

/// Both as read_model_info and load_model, of a file that save_model wrote.
Seq2SeqFileInfo read_seq2seq_info(const std::filesystem::path& path);
LoadedSeq2Seq load_seq2seq(const std::filesystem::path& path, Backend& backend);

}  // namespace cadenza
