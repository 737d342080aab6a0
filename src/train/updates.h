// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "cadenza/model.h"
#include "cadenza/optimizer.h"
#include "cadenza/tape.h"
#include "cadenza/trainer.h"
#include "train/training_state.h"

namespace cadenza {

/// The updates of a run: an optimiser for each objective of the model, and what of the training
/// state they change.
class Updates final : public Teacher {
 public:
  /// `diverged` is called for a loss that is not finite and throws.
  Updates(Model& model, const Tokenizer& tokenizer, const TrainingConfig& config,
          TrainingState& state, std::function<void()> diverged);

  /// One step of training, number state.step, with the learning rates times `factor`. What it did
  /// is added to the records of the state.
  void step(const Batch& batch, double factor);
  /// The same on another batch, to see whether there is room for it; nothing is learnt.
  void try_step(const Batch& batch);
  /// The means since the last line of the log, of objectives with a name and an update since then.
  std::vector<ObjectiveProgress> progress() const;
  /// Optimisers and carried state, for checkpoints.
  TrainingTensors tensors() const;
  /// Once the state has been read from a checkpoint.
  void resume();

  const Tokenizer& tokenizer() const override { return tokenizer_; }
  void update(std::size_t objective, const Batch& batch, std::optional<double> shown) override;
  double last_loss(std::size_t objective) const override;

 private:
  TensorView compute_gradients(const Objective& objective, const Batch& batch);
  void add_code_cost(const Batch& batch);
  DropoutKey key() const;

  Model& model_;
  const Tokenizer& tokenizer_;
  std::uint64_t seed_;
  TrainingState& state_;
  std::function<void()> diverged_;
  std::vector<Objective> objectives_;
  std::vector<Optimizer> optimizers_;
  std::vector<Tensor> carried_;
  Arena arena_;
  double factor_ = 1.0;
  bool trying_ = false;
};

}  // namespace cadenza
