// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "cadenza/optimizer.h"

namespace cadenza {

struct TrainingConfig {
  int batch_size = 32;
  /// Steps of truncated back-propagation; the state is carried on. Pairs, and pieces of a model
  /// that reads them whole, are never cut.
  int sequence_length = 100;
  int epochs = 50;                   ///< upper bound; 0: none
  std::int64_t steps = 0;            ///< upper bound on updates; 0: none
  std::int64_t validate_every = 0;   ///< updates; 0: once an epoch; also after the last of `steps`
  int patience = 10;                 ///< validations without improvement before stopping; 0: never
  double checkpoint_seconds = 30.0;  ///< how often last.safetensors is refreshed at most
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  std::uint64_t seed = 1;

  /// ArgumentError names the first setting out of range.
  void validate() const;
};

/// What the losses of models with codes (Model::code_cost) consist of.
struct CodeProgress {
  double reconstruction = 0.0;  ///< nats a step without the cost of codes
  double divergence = 0.0;      ///< nats a piece, of codes from the prior
};

/// How an objective of a model with several (Model::objectives) stands.
struct ObjectiveProgress {
  std::string name;
  double loss = 0.0;  ///< mean over the batches since the last report
};

/// Where training stands; handed to the reporter.
struct TrainingProgress {
  std::int64_t step = 0;
  std::int64_t total_steps = 0;  ///< upper bound
  int epoch = 0;                 ///< 1-based
  double train_loss = 0.0;  ///< nats a step, mean since the last report; of the first objective
  double valid_loss = 0.0;  ///< of the last validation; meaningful after the first
  double best_valid_loss = 0.0;
  std::optional<CodeProgress> train_code;     ///< of train_loss; only with codes
  std::optional<CodeProgress> valid_code;     ///< of valid_loss; the same
  std::vector<ObjectiveProgress> objectives;  ///< of several, those updated since the last report
  bool validated = false;                     ///< this report follows a validation
  double learning_rate = 0.0;
  double seconds = 0.0;           ///< of training, over all resumed runs
  double steps_per_second = 0.0;  ///< tokens or frames
};

struct TrainingResult {
  std::int64_t steps = 0;
  int epochs = 0;
  double seconds = 0.0;
  double tokens_per_second = 0.0;
  double best_valid_loss = 0.0;  ///< (b); NaN without validation pieces
  std::string stopped_by;        ///< "epochs", "steps", "patience", "request"
};

/// Trains a model, with early stopping on the validation split, and writes into a folder:
/// model.safetensors (best on validation, or last without such a split or if that does not judge
/// the model), last.safetensors (all a resume needs), metrics.jsonl. A run that was killed at any
/// moment and resumed ends with the same bytes in model.safetensors as one that was not, for the
/// same backend and threads.
class Trainer {
 public:
  /// Creates `folder` if need be. `model` is initialised from the seed unless `resume` finds
  /// last.safetensors in `folder`; ArgumentError if that belongs to another architecture, data set
  /// or configuration.
  Trainer(Model& model, const Tokenizer& tokenizer, const Dataset& data,
          const TrainingConfig& config, const std::filesystem::path& folder, bool resume);
  ~Trainer();

  /// Called about ten times a second and after every validation; returning false stops training
  /// cleanly after a checkpoint.
  using Reporter = std::function<bool(const TrainingProgress&)>;
  /// Error (with the step and the last good checkpoint) if the loss stops being finite.
  TrainingResult run(const Reporter& reporter = {});

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace cadenza
