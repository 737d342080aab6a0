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
#include "cadenza/note_event.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Whether the generator reads at every step what it gave at the one before, or noise alone.
enum class Feedback : std::uint8_t { no, yes };
/// How far the discriminator's words are from what they should be, 1 for real events and 0 for made
/// ones: cross-entropy of their sigmoid, or the squared difference (Mao et al. 2017).
enum class WordLoss : std::uint8_t { sigmoid, squared };
/// What the generator wants: its events taken for real, or those features of the discriminator that
/// real pieces have on average (Salimans et al. 2016).
enum class Aim : std::uint8_t { words, features };
std::string_view name_of(WordLoss loss);
std::string_view name_of(Aim aim);
/// ArgumentError lists the known names.
WordLoss parse_word_loss(std::string_view name);
Aim parse_aim(std::string_view name);

/// A generative adversarial network over notes as numbers, after C-RNN-GAN (Mogren 2016). The
/// generator turns noise at every step into one event; the discriminator reads events in both
/// directions and says a number for each, of which the mean is its word on the piece.
struct EventGanConfig {
  /// Of the data: what it holds is read as the events of its music.
  std::string tokenizer_name;
  std::string tokenizer_settings;
  int events = 100;  ///< of a piece at most
  CellKind cell = CellKind::lstm;
  int layers = 2;
  int hidden = 100;
  int noise = 4;  ///< numbers at every step
  Feedback feedback = Feedback::yes;
  double forget_bias = 0.0;
  CellKind discriminator_cell = CellKind::lstm;
  int discriminator_layers = 2;
  int discriminator_hidden = 100;  ///< of each direction
  /// By so many measures the discriminator also sees how close a piece is to those beside it
  /// (minibatch discrimination, Salimans et al. 2016); 0: it sees each alone.
  int kernels = 0;
  WordLoss word_loss = WordLoss::sigmoid;
  Aim aim = Aim::words;
  int pretraining = 500;  ///< steps in which the generator learns the event after true ones
  int generator_updates = 1;
  int discriminator_updates = 1;
  /// The discriminator rests while its last loss is below this share of the generator's; 0: never.
  double discriminator_rest = 0.7;
  double generator_rate = 1.0;
  double discriminator_rate = 1.0;

  int inputs() const { return noise + (feedback == Feedback::yes ? 4 : 0); }
  /// ArgumentError names the first setting out of range.
  void validate() const;
  friend bool operator==(const EventGanConfig&, const EventGanConfig&) = default;
};

/// The parameters of both players, in file order. ArgumentError if the configuration is invalid.
std::vector<ParameterSpec> generator_specs(const EventGanConfig& config);
std::vector<ParameterSpec> discriminator_specs(const EventGanConfig& config);
/// As it stands in a model file.
std::string to_json(const EventGanConfig& config);

/// Both players. Losses: "pretraining", the squared difference from the numbers of the event that
/// follows on true ones, an event, which is also loss(); "discriminator", the mean of what its
/// words cost on a real and a made piece; "generator", what the word on a made piece costs, or the
/// squared distance of features.
///
/// Parameters bear PyTorch's names: `lstm.weight_ih_l0` [4H, 4 + noise], ..., `output.weight`
/// [4, H]; `discriminator.lstm.weight_ih_l0`, `discriminator.lstm.weight_ih_l0_reverse`, ...,
/// `discriminator.output.weight` [1, 2H + kernels]; with kernels `discriminator.closeness.weight`
/// [5 kernels, 2H].
class EventGan final : public Model {
 public:
  EventGan(Backend& backend, const EventGanConfig& config, DType dtype = DType::f32);

  const EventGanConfig& config() const { return config_; }
  Parameters& parameters() override { return generator_; }
  const Parameters& parameters() const override { return generator_; }
  Parameters& discriminator() { return discriminator_; }
  /// As LanguageModel::initialize.
  void initialize(std::uint64_t seed) override;
  std::string architecture() const override;
  std::string summary() const override;
  void check_data(const Dataset& data) const override;

  /// Pieces are whole, none gets an end.
  std::int64_t whole_steps() const override { return 1; }
  std::vector<Tensor> make_state(std::int64_t) const override { return {}; }
  /// Of a batch of tokens: the losses of its events stand in the first steps.
  TensorView loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                  const DropoutKey& key, double scale) override;
  std::vector<Part> parts() const override;
  std::vector<Objective> objectives() override;
  void train_step(const Batch& batch, const DropoutKey& key, Teacher& teacher) override;
  bool judged_by_loss() const override { return false; }

  /// Losses of events side by side: frames of a Batch, of width 4, after what the generator reads.
  TensorView pretraining_loss(Tape& tape, const Batch& events, double scale);
  TensorView generator_loss(Tape& tape, const Batch& events, double scale);
  TensorView discriminator_loss(Tape& tape, const Batch& events, double scale);

 private:
  EventGanConfig config_;
  std::unique_ptr<Tokenizer> tokenizer_;
  Parameters generator_;
  Parameters discriminator_;
};

struct ComposeRequest {
  std::int64_t num_outputs = 1;
  std::int64_t first_sequence = 0;  ///< number of the first piece; noise depends on the number
  std::int64_t num_events = 100;
  std::uint64_t seed = 0;
  double temperature = 1.0;       ///< the noise is multiplied by it
  std::int64_t batch_size = 256;  ///< pieces computed together; never changes the result
};
/// New pieces of the generator.
std::vector<std::vector<NoteEvent>> compose(const EventGan& model, const ComposeRequest& request);
/// The mean of the discriminator's words on each piece: above 0, with WordLoss::squared above 1/2,
/// where it takes the piece for real; minus infinity for a piece without a note. With kernels it
/// depends on the pieces that are read together.
std::vector<double> words_on(EventGan& model, std::span<const std::vector<NoteEvent>> pieces,
                             int batch_size = 64);

/// What a model file says besides the weights.
struct EventGanFileInfo {
  EventGanConfig config;
  std::string tokenizer_name;
  std::string tokenizer_settings;
  std::int64_t parameter_count = 0;
  std::string training;  ///< JSON of the training state, "" if there is none
};

/// A model with the tokenizer of the data that it learnt from.
struct LoadedEventGan {
  std::unique_ptr<EventGan> model;
  std::unique_ptr<Tokenizer> tokenizer;
  EventGanFileInfo info;
};

/// Both as read_model_info and load_model, of a file that save_model wrote.
EventGanFileInfo read_event_gan_info(const std::filesystem::path& path);
LoadedEventGan load_event_gan(const std::filesystem::path& path, Backend& backend);

}  // namespace cadenza
