// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cadenza/cell.h"
#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "tools/common/arguments.h"

namespace cadenza::tools {

/// How two players learn by turns.
struct PlayOptions {
  int pretraining = 1000;
  int generator_updates = 1;
  int discriminator_updates = 1;
  double discriminator_rest = 0.0;
  double generator_rate = 0.1;
  double discriminator_rate = 1.0;
  std::string discriminator_cell = "lstm";
  int discriminator_layers = 1;
  int discriminator_hidden = 128;
};

/// The options of `cadenza train` that models of several kinds have.
struct SharedModelOptions {
  std::string cell = "lstm";
  int layers = 1;
  int hidden = 128;
  int embedding = 0;  ///< 0: what models of the kind have if nobody says otherwise
  double dropout = 0.0;
  double input_dropout = 0.0;
  double forget_bias = 0.0;
  double word_dropout = 0.0;
  int encoder_layers = 1;
  double own_tokens = 0.0;
  double own_tokens_slope = 1000.0;
  std::string condition = "none";
  PlayOptions play;
};

/// Gives `config` what every kind of model takes of these options.
template <typename Config>
void take_shared(const SharedModelOptions& options, Config& config) {
  config.cell = parse_cell(options.cell);
  config.layers = options.layers;
  config.hidden = options.hidden;
  if (options.embedding != 0) config.embedding = options.embedding;
  config.dropout = options.dropout;
  config.input_dropout = options.input_dropout;
  config.forget_bias = options.forget_bias;
}

/// The same for those with an encoder and scheduled sampling.
template <typename Config>
void take_encoder(const SharedModelOptions& options, Config& config) {
  config.encoder_layers = options.encoder_layers;
  config.own_tokens = options.own_tokens;
  config.own_tokens_slope = options.own_tokens_slope;
}

/// The same for those of two players; what the discriminator is made of is left to them.
template <typename Config>
void take_play(const PlayOptions& options, Config& config) {
  config.pretraining = options.pretraining;
  config.generator_updates = options.generator_updates;
  config.discriminator_updates = options.discriminator_updates;
  config.discriminator_rest = options.discriminator_rest;
  config.generator_rate = options.generator_rate;
  config.discriminator_rate = options.discriminator_rate;
}

/// A data set and the name of its file, for messages.
struct NamedData {
  Dataset& set;
  const std::string& file;
};

/// How `cadenza train` makes models of one kind, from options and data.
class ModelMaker {
 public:
  virtual ~ModelMaker() = default;
  /// Adds the options that such models alone have; `arguments` must not outlive this.
  virtual void add_to(Arguments& arguments) = 0;
  /// ArgumentError if one of them was given although another kind of model is asked for.
  virtual void check_unused(const std::string& /*kind*/) const {}
  /// Takes the options for a model of the kind `kind`. ArgumentError for values that make no sense
  /// whatever the data.
  virtual void take(const std::string& kind, const SharedModelOptions& shared) = 0;
  virtual bool reads_pairs() const { return false; }
  /// Whether it has a use for --condition.
  virtual bool can_be_conditioned() const { return false; }
  /// Takes widths and the like, and gives the pieces what the model is told of them. UsageError if
  /// the model cannot read such data; pairs have been told from single sequences before.
  virtual void complete(const NamedData& data) = 0;
  virtual std::unique_ptr<Model> make(Backend& backend) const = 0;
};

/// Adds the options of two players.
void add_play_options(Arguments& arguments, PlayOptions& options);
/// The cells that --cell and the like choose from.
std::vector<std::string> cell_names();
/// UsageError unless `data` holds tokens.
void require_tokens(const NamedData& data, const std::string& kind);
/// UsageError unless the pieces have labels; `option` wants them.
void require_labels(const NamedData& data, const std::string& option);

}  // namespace cadenza::tools
