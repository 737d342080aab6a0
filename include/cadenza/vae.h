// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "cadenza/sampling.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Whether codes are distributions pulled towards a common prior, from which new ones can be drawn,
/// or just numbers.
enum class Variational : std::uint8_t { no, yes };

/// Architecture of a model that writes a piece into a code of `latent` numbers and back, as
/// MusicVAE (Roberts et al. 2018). Encoder: embedding and `encoder_layers` layers in both
/// directions, `hidden` wide each. Decoder: `layers` layers that start from the code and read it at
/// every step beside the token before. With several segments a conductor of as many layers goes
/// from segment to segment and tells the decoder, which starts anew in each, what to read instead.
/// With labels the code comes with that of the piece, so that it need not say what all pieces of
/// one style share, and another style can be asked for.
struct VaeConfig {
  int width = 0;   ///< vocabulary; the model adds a token for the end of pieces below `steps`
  int steps = 32;  ///< tokens of the longest piece
  int embedding = 64;
  CellKind cell = CellKind::lstm;
  int encoder_layers = 1;
  int layers = 1;  ///< of decoder and conductor
  int hidden = 128;
  int latent = 32;
  Variational variational = Variational::yes;
  int segments = 1;            ///< equal parts of `steps`; 1: no conductor
  int labels = 0;              ///< styles that the decoder is told of; 0: none
  int label_embedding = 16;    ///< only with labels
  double kl_weight = 0.2;      ///< of the divergence from the prior, in the end
  int kl_warmup = 1000;        ///< updates in which it rises from 0, evenly
  double free_bits = 0.0;      ///< of divergence that cost nothing, for a whole code
  double dropout = 0.0;        ///< after every recurrent layer of encoder and decoder
  double input_dropout = 0.0;  ///< on embeddings
  double word_dropout =
      0.0;                   ///< share of tokens that the decoder may not read (Bowman et al. 2016)
  double forget_bias = 0.0;  ///< initial value added to the LSTM forget gates' biases
  double own_tokens = 0.0;   ///< scheduled sampling, as in Seq2SeqConfig
  double own_tokens_slope = 1000.0;

  std::int32_t end_token() const { return width; }
  int segment_steps() const { return steps / segments; }
  /// What the decoder, or its conductor, is told of a piece: the code and the embedded label, K.
  int told() const { return latent + (labels > 0 ? label_embedding : 0); }
  /// ArgumentError names the first setting out of range.
  void validate() const;
  friend bool operator==(const VaeConfig&, const VaeConfig&) = default;
};

/// The parameters of such a model, in file order. ArgumentError if the configuration is invalid.
std::vector<ParameterSpec> parameter_specs(const VaeConfig& config);
/// The architecture as it stands in a model file's metadata under "model".
std::string to_json(const VaeConfig& config);

/// Predicts each token of a piece from the tokens before it and a code of the whole piece. Losses
/// hold what the code costs in the first step of its piece: kl_weight times what of the divergence
/// is above free_bits. Outside training the code is drawn too, from noise that the number of the
/// piece tells, so likelihoods are bounds as they should be.
///
/// Parameters bear PyTorch's names: `embedding.weight` [width + 1, E]; `encoder.lstm.weight_ih_l0`,
/// `encoder.lstm.weight_ih_l0_reverse`, ...; `mean.weight` [Z, 2H]; `spread.weight` [Z, 2H], of the
/// deviation 2 sigmoid(spread), variational only; `label_embedding.weight` [labels, L], with labels
/// only; `conductor.bridge.weight` [layers * S * H, K] and `conductor.lstm.weight_ih_l0` [4H, K],
/// ..., with segments only; `bridge.weight` [layers * S * H, K or H]: tanh of it gives the
/// decoder's first states; `decoder.lstm.weight_ih_l0` [4H, E + K or E + H], ...; `output.weight`
/// [width + 1, H].
class Vae final : public Model {
 public:
  Vae(Backend& backend, const VaeConfig& config, DType dtype = DType::f32);

  const VaeConfig& config() const { return config_; }
  Parameters& parameters() override { return parameters_; }
  const Parameters& parameters() const override { return parameters_; }
  /// As LanguageModel::initialize.
  void initialize(std::uint64_t seed) override;
  std::string architecture() const override;
  std::string summary() const override;
  void check_data(const Dataset& data) const override;

  std::int64_t whole_steps() const override { return config_.steps; }
  std::vector<Tensor> make_state(std::int64_t) const override { return {}; }
  TensorView loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                  const DropoutKey& dropout, double scale) override;
  CodeCost code_cost() const override { return code_cost_; }

 private:
  VaeConfig config_;
  Parameters parameters_;
  CodeCost code_cost_;
};

/// What a piece is to the model: `latent` numbers.
using Code = std::vector<float>;

/// The codes of pieces: the means of their distributions. ArgumentError for one that is empty,
/// longer than the model's steps or outside its vocabulary.
std::vector<Code> encode(Vae& model, std::span<const Sequence> pieces, int batch_size = 64);
/// A code drawn from the prior N(0, 1); depends on its arguments alone.
Code prior_code(const VaeConfig& config, std::uint64_t seed, std::uint64_t sequence);
/// The code at `fraction` of the way from a to b along an arc (Shoemake 1985), and along the line
/// where they point almost the same or opposite ways; a at 0 and b at 1.
Code interpolate(const Code& a, const Code& b, double fraction);

/// How codes change along an attribute, say the number of notes: the mean of the codes of pieces
/// with more of it than the median less the mean of those with less. ArgumentError unless there is
/// a value for each code and some lie on either side.
Code attribute_direction(std::span<const Code> codes, std::span<const double> values);
/// code + amount * direction
Code moved(const Code& code, const Code& direction, double amount);

struct DecodeRequest {
  /// [codes] the style of each piece, for a model with labels; else empty.
  std::vector<std::int32_t> labels;
  SamplingParams sampling = {.temperature = 0.0};
  std::uint64_t seed = 0;
  std::int64_t first_sequence = 0;  ///< number of the first piece; noise depends on the number
  std::int64_t batch_size = 256;    ///< pieces computed together; never changes the result
};
/// The pieces that codes stand for, each of `steps` tokens or up to its end. ArgumentError for a
/// code of another length, a label that the model does not know or has no use for.
std::vector<Sequence> decode(Vae& model, std::span<const Code> codes,
                             const DecodeRequest& request = {});

struct FitRequest {
  /// [pieces] as DecodeRequest::labels.
  std::vector<std::int32_t> labels;
  int updates = 200;  ///< at most
  double learning_rate = 0.03;
};
/// Codes that bring their pieces back where those of encode(), which has learnt to be good for all
/// pieces at once, do not quite: steps of Adam from there towards what makes the piece likeliest
/// (the refinement of Kim et al. 2018), until decode() gives every piece. The weights stay as they
/// are; their gradients are zero afterwards. ArgumentError as encode() and decode().
std::vector<Code> fit_codes(Vae& model, std::span<const Sequence> pieces,
                            const FitRequest& request = {});

/// How much of a piece its code brings back.
struct Reconstruction {
  double nll = 0.0;              ///< nats a token given a drawn code, ends counted
  double divergence = 0.0;       ///< nats a piece; 0 if not variational
  double bound = 0.0;            ///< nats a token: nll and the whole divergence, above the true one
  double taught_accuracy = 0.0;  ///< share of tokens that are the likeliest after the true ones
  double free_accuracy = 0.0;    ///< share brought back by decode() from the code alone
  double whole_pieces = 0.0;     ///< share of pieces brought back without a fault
  std::int64_t steps = 0;
  std::int64_t pieces = 0;
};
/// Of a split; both accuracies from the mean of each code. ArgumentError as evaluate().
Reconstruction reconstruct(Vae& model, const Dataset& data, Split split, int batch_size = 64);

/// What a model file says besides the weights.
struct VaeFileInfo {
  VaeConfig config;
  std::string tokenizer_name;
  std::string tokenizer_settings;
  std::vector<std::string> labels;  ///< names of the styles it is told of, or none
  MusicInfo music;                  ///< what its pieces are
  std::int64_t parameter_count = 0;
  std::string training;  ///< JSON of the training state, "" if there is none
};

/// A model with the tokenizer that gives its output meaning.
struct LoadedVae {
  std::unique_ptr<Vae> model;
  std::unique_ptr<Tokenizer> tokenizer;
  VaeFileInfo info;
};

/// Both as read_model_info and load_model, of a file that save_model wrote.
VaeFileInfo read_vae_info(const std::filesystem::path& path);
LoadedVae load_vae(const std::filesystem::path& path, Backend& backend);

}  // namespace cadenza
