// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "cadenza/model.h"
#include "cadenza/optimizer.h"
#include "cadenza/trainer.h"
#include "models/model_file.h"

namespace cadenza {

/// How the updates towards one objective went.
struct ObjectiveRecord {
  std::int64_t updates = 0;
  double loss_sum = 0.0;  ///< since the last line of the log
  std::int64_t loss_steps = 0;
  double last_loss = std::numeric_limits<double>::infinity();

  double mean_loss() const { return loss_sum / static_cast<double>(loss_steps); }
};

/// Everything besides weights, moments and carried state that decides how training goes on.
struct TrainingState {
  std::int64_t step = 0;            ///< steps of training done
  std::int64_t epoch = 0;           ///< epochs done
  std::int64_t batch_in_epoch = 0;  ///< batches done of the current one
  double best_valid = std::numeric_limits<double>::infinity();
  double last_valid = std::numeric_limits<double>::infinity();
  int bad_validations = 0;
  double plateau_factor = 1.0;
  int plateau_count = 0;
  std::vector<ObjectiveRecord> objectives;  ///< as Model::objectives has them
  double code_cost_sum = 0.0;               ///< in the first loss_sum
  double divergence_sum = 0.0;
  std::int64_t loss_pieces = 0;
  double seconds = 0.0;
};

/// What a checkpoint must agree with to be resumed: a digest of the data and of the settings that
/// shape the trajectory. The bounds (epochs, steps, patience) may change.
std::string training_fingerprint(const Dataset& data, const TrainingConfig& config);

/// The parts of a run that live on the backend.
struct TrainingTensors {
  std::vector<std::pair<std::string, const Optimizer*>> optimizers;  ///< by name of objective
  const std::vector<Tensor>* carried = nullptr;
};

/// Writes last.safetensors: the model file plus `training.*` arrays, atomically.
void save_checkpoint(const std::filesystem::path& path, const Model& model,
                     const ModelMeaning& meaning, const TrainingTensors& tensors,
                     const TrainingState& state, const std::string& fingerprint);
/// Restores what save_checkpoint wrote. ArgumentError if the file is of another architecture, data
/// set or configuration, FormatError if it is damaged.
TrainingState load_checkpoint(const std::filesystem::path& path, Model& model,
                              const TrainingTensors& tensors, const std::string& fingerprint);

}  // namespace cadenza
