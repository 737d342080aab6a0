// SPDX-License-Identifier: Apache-2.0
#include "train/updates.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/host_copy.h"

namespace cadenza {
namespace {

double sum_of(Backend& backend, const TensorView& values) {
  const std::vector<double> numbers = download_real(backend, values);
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

}  // namespace

Updates::Updates(Model& model, const Tokenizer& tokenizer, const TrainingConfig& config,
                 TrainingState& state, std::function<void()> diverged)
    : model_(model),
      tokenizer_(tokenizer),
      seed_(config.seed),
      state_(state),
      diverged_(std::move(diverged)),
      objectives_(model.objectives()),
      carried_(model.make_state(config.batch_size)),
      arena_(model.backend()) {
  for (const Objective& objective : objectives_) {
    optimizers_.emplace_back(*objective.parameters, config.optimizer);
  }
  state_.objectives.resize(objectives_.size());
}

DropoutKey Updates::key() const {
  return {.training = true, .seed = seed_, .step = static_cast<std::uint32_t>(state_.step)};
}

void Updates::step(const Batch& batch, double factor) {
  factor_ = factor;
  model_.train_step(batch, key(), *this);
}

void Updates::try_step(const Batch& batch) {
  trying_ = true;
  arena_ = Arena(model_.backend());
  carried_ = model_.make_state(batch.rows);
  model_.train_step(batch, key(), *this);
}

// The loss of each row.
TensorView Updates::compute_gradients(const Objective& objective, const Batch& batch) {
  objective.parameters->zero_gradients();
  Tape tape(model_.backend(), arena_, objective.parameters->dtype(), GradMode::record);
  const TensorView row_loss =
      objective.loss(tape, batch, carried_, key(), 1.0 / static_cast<double>(batch.predicted));
  tape.backward();
  return row_loss;
}

void Updates::update(std::size_t number, const Batch& batch, std::optional<double> shown) {
  const Objective& objective = objectives_[number];
  Backend& backend = model_.backend();
  arena_.reset();
  if (trying_) {
    compute_gradients(objective, batch);
    return;
  }
  TensorView row_loss;
  backend.submit([&] {
    row_loss = compute_gradients(objective, batch);
    optimizers_[number].step(factor_ * objective.rate);
  });
  const auto steps = static_cast<double>(batch.predicted);
  const double computed = sum_of(backend, row_loss);
  if (!std::isfinite(computed) || (shown && !std::isfinite(*shown))) diverged_();
  const double loss = shown ? *shown * steps : computed;
  ObjectiveRecord& record = state_.objectives[number];
  ++record.updates;
  record.loss_sum += loss;
  record.loss_steps += batch.predicted;
  record.last_loss = loss / steps;
  add_code_cost(batch);
}

void Updates::add_code_cost(const Batch& batch) {
  const Model::CodeCost code = model_.code_cost();
  if (code.cost.empty()) return;
  state_.code_cost_sum += sum_of(model_.backend(), code.cost);
  state_.divergence_sum += sum_of(model_.backend(), code.divergence);
  state_.loss_pieces += std::count_if(batch.lengths.begin(), batch.lengths.end(),
                                      [](std::int32_t length) { return length > 0; });
}

double Updates::last_loss(std::size_t objective) const {
  return state_.objectives[objective].last_loss;
}

std::vector<ObjectiveProgress> Updates::progress() const {
  std::vector<ObjectiveProgress> progress;
  for (std::size_t i = 0; i < objectives_.size(); ++i) {
    const ObjectiveRecord& record = state_.objectives[i];
    if (objectives_[i].name.empty() || record.loss_steps == 0) continue;
    progress.push_back({objectives_[i].name, record.mean_loss()});
  }
  return progress;
}

TrainingTensors Updates::tensors() const {
  TrainingTensors tensors = {.optimizers = {}, .carried = &carried_};
  for (std::size_t i = 0; i < objectives_.size(); ++i) {
    tensors.optimizers.emplace_back(objectives_[i].name, &optimizers_[i]);
  }
  return tensors;
}

void Updates::resume() {
  for (std::size_t i = 0; i < optimizers_.size(); ++i) {
    optimizers_[i].set_steps(state_.objectives[i].updates);
  }
}

}  // namespace cadenza
