// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/condition.h"
#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

using Head = GenerationNetwork::Head;
std::string_view name_of(Head head);
std::string_view name_of(Activation activation);
/// ArgumentError lists the known names.
Head parse_head(std::string_view name);
Activation parse_activation(std::string_view name);

struct DenseConfig {
  int units = 0;
  Activation activation = Activation::tanh;

  friend bool operator==(const DenseConfig&, const DenseConfig&) = default;
};

/// Architecture of a language model over tokens (head softmax) or over piano-roll frames (heads
/// bernoulli and nade): input -> `layers` recurrent layers -> `dense` layers -> head. It may look
/// back, on the tokens of bars before and by attention, as Magenta's lookback_rnn and attention_rnn
/// do (Waite 2016); generation then goes step by step.
struct LanguageModelConfig {
  Head head = Head::softmax;
  int width = 0;      ///< vocabulary, or 88 keys
  int embedding = 0;  ///< 0: the input is one-hot (tokens) or the frame itself
  CellKind cell = CellKind::lstm;
  int layers = 1;
  int hidden = 128;
  /// What the music is conditioned on: each step reads an embedding of the piece's value of each
  /// beside its input. With tokens they need an embedding too.
  std::vector<Condition> conditions;
  std::vector<DenseConfig> dense;
  int nade_hidden = 64;        ///< K of the NADE head
  double dropout = 0.0;        ///< after every recurrent layer
  double input_dropout = 0.0;  ///< on frames and embeddings
  double forget_bias = 0.0;    ///< initial value added to the LSTM forget gate's bias
  /// The first recurrent layer attends to its own outputs of so many steps before, and what comes
  /// of it is what the next layer reads; 0: it does not.
  int attention_length = 0;
  /// Each step also reads the tokens that stand these distances, in steps, before the one it
  /// predicts, embedded, and for each whether the token before stood there too. Ascending; tokens
  /// with an embedding only.
  std::vector<int> lookback;
  /// So many of the lowest bits of a step's number in its piece, which it reads too; tokens need an
  /// embedding for it.
  int position_bits = 0;

  bool looks_back() const { return attention_length > 0 || !lookback.empty() || position_bits > 0; }
  /// Steps before its first one that a batch must hold.
  std::int64_t history() const { return lookback.empty() ? 0 : lookback.back(); }
  /// How many numbers a step reads of itself.
  int own_numbers() const { return static_cast<int>(lookback.size()) + position_bits; }
  /// What a step is read as, without conditions.
  int input_width() const {
    if (embedding == 0) return width + own_numbers();
    return embedding * static_cast<int>(1 + lookback.size()) + own_numbers();
  }
  /// What is read beside it.
  int condition_width() const;
  StepKind step_kind() const { return head == Head::softmax ? StepKind::token : StepKind::frame; }
  /// ArgumentError names the first setting out of range.
  void validate() const;
  friend bool operator==(const LanguageModelConfig&, const LanguageModelConfig&) = default;
};

/// The parameters of such a model, in file order. ArgumentError if the configuration is invalid.
std::vector<ParameterSpec> parameter_specs(const LanguageModelConfig& config);
/// The architecture as it stands in a model file's metadata under "model".
std::string to_json(const LanguageModelConfig& config);

/// Predicts each step of a sequence from the steps before it; the first from nothing.
///
/// Parameters bear PyTorch's names: `embedding.weight` [V, E]; `lstm.weight_ih_l0` [4H, I], ...
/// (`gru.`, `rnn.`); `label_embedding.weight` [labels, L] and the like for `key`, `density` and
/// `tempo`, `histogram.weight` [L, 12], then I counts L more for each; with attention
/// `attention.query.weight` [H, H] and `attention.output.weight` [H, 2H] on [context, h];
/// `dense.0.weight`; `output.weight` [width, H], `output.bias`; for NADE also `nade.hidden.weight`
/// [K, H], `nade.hidden.bias`, `nade.w` and `nade.u` [88, K].
class LanguageModel final : public Model {
 public:
  LanguageModel(Backend& backend, const LanguageModelConfig& config, DType dtype = DType::f32);

  const LanguageModelConfig& config() const { return config_; }
  Parameters& parameters() override { return parameters_; }
  const Parameters& parameters() const override { return parameters_; }
  /// PyTorch's defaults: uniform in +-1/sqrt(H) for recurrent layers, +-1/sqrt(fan in) for linear
  /// ones; embeddings in +-1.
  void initialize(std::uint64_t seed) override;
  std::string architecture() const override;
  std::string summary() const override;
  void check_data(const Dataset& data) const override;

  std::int64_t history() const override { return config_.history(); }
  /// A state [S, B, H] of each layer; then, with attention, its memory [M, B, H], in which training
  /// keeps the oldest output first and generation that of step n in slot n mod M.
  std::vector<Tensor> make_state(std::int64_t rows) const override;
  TensorView loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                  const DropoutKey& dropout, double scale) override;
  /// Views of the weights as generation sees them; valid while the model lives. With
  /// conditions the first layer reads more than generation gives it: ConditionedNetwork folds them
  /// in.
  GenerationNetwork network() const;

 private:
  LanguageModelConfig config_;
  Parameters parameters_;
};

/// What a model file says besides the weights.
struct ModelFileInfo {
  LanguageModelConfig config;
  std::string tokenizer_name;
  std::string tokenizer_settings;
  std::vector<std::string> labels;  ///< names of those it is conditioned on, or none
  std::int64_t parameter_count = 0;
  std::string training;  ///< JSON of the training state, "" if there is none
};

/// A model with the tokenizer that gives its output meaning.
struct LoadedModel {
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Tokenizer> tokenizer;
  ModelFileInfo info;
};

/// Writes weights and description of any model to one safetensors file, atomically, with what is
/// known of the pairs, labels and music in the `data` that it was trained on.
void save_model(const Model& model, const Tokenizer& tokenizer, const std::filesystem::path& path,
                const Dataset& data = {});
/// "lm", "seq2seq", "vae", "autoencoder", "classifier", "infiller" or "gan"; a file without
/// cadenza's metadata counts as "lm".
std::string read_model_kind(const std::filesystem::path& path);
/// What a model file describes, without a backend. A file without cadenza's metadata, for example
/// one saved from PyTorch with a single nn.LSTM, nn.GRU or nn.RNN, at most one embedding and one
/// output layer, is understood from names and shapes; its tokenizer is then `tokenizer` with
/// `settings`, ArgumentError if that is empty or its vocabulary differs.
/// Of a gan the generator is described and read. FormatError for anything inconsistent.
ModelFileInfo read_model_info(const std::filesystem::path& path, std::string_view tokenizer = "",
                              std::string_view settings = "");
LoadedModel load_model(const std::filesystem::path& path, Backend& backend,
                       std::string_view tokenizer = "", std::string_view settings = "");

}  // namespace cadenza
