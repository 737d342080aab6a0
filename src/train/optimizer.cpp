// SPDX-License-Identifier: Apache-2.0
#include "cadenza/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cadenza {
namespace {

bool has_first_moment(OptimizerKind kind) {
  return kind == OptimizerKind::momentum || kind == OptimizerKind::adam ||
         kind == OptimizerKind::adamw;
}

bool has_second_moment(OptimizerKind kind) {
  return kind == OptimizerKind::rmsprop || kind == OptimizerKind::adam ||
         kind == OptimizerKind::adamw;
}

}  // namespace

Optimizer::Optimizer(Parameters& parameters, const OptimizerConfig& config)
    : parameters_(&parameters),
      config_(config),
      squared_norm_(parameters.backend(), {1}, DType::f64) {
  const TensorView values = parameters.values();
  if (has_first_moment(config.kind)) {
    first_moment_ = Tensor(parameters.backend(), values.shape, values.dtype);
  }
  if (has_second_moment(config.kind)) {
    second_moment_ = Tensor(parameters.backend(), values.shape, values.dtype);
  }
}

void Optimizer::step(double rate_factor) {
  Backend& backend = parameters_->backend();
  ++steps_;
  if (config_.clip_norm > 0) backend.squared_norm(parameters_->gradients(), squared_norm_);
  backend.update({.kind = config_.kind,
                  .parameters = parameters_->values(),
                  .gradients = parameters_->gradients(),
                  .first_moment = first_moment_,
                  .second_moment = second_moment_,
                  .squared_norm = config_.clip_norm > 0 ? squared_norm_.view() : TensorView(),
                  .learning_rate = config_.learning_rate * rate_factor,
                  .beta1 = config_.beta1,
                  .beta2 = config_.beta2,
                  .epsilon = config_.epsilon,
                  .weight_decay = config_.weight_decay,
                  .clip_norm = config_.clip_norm,
                  .step = steps_});
}

double Schedule::factor(std::int64_t step, double epochs) const {
  double factor = 1.0;
  switch (config_.kind) {
    case ScheduleKind::constant:
      break;
    case ScheduleKind::exponential:
      factor = std::max(std::pow(config_.decay, epochs), config_.final_factor);
      break;
    case ScheduleKind::cosine: {
      const double progress =
          total_steps_ > 0
              ? std::min(static_cast<double>(step) / static_cast<double>(total_steps_), 1.0)
              : 0.0;
      const double wave = 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
      factor = config_.final_factor + (1.0 - config_.final_factor) * wave;
      break;
    }
    case ScheduleKind::plateau:
      factor = plateau_factor_;
      break;
  }
  if (step < config_.warmup_steps) {
    factor *= static_cast<double>(step + 1) / static_cast<double>(config_.warmup_steps);
  }
  return factor;
}

void Schedule::observe_validation(bool improved) {
  if (config_.kind != ScheduleKind::plateau) return;
  plateau_count_ = improved ? 0 : plateau_count_ + 1;
  if (plateau_count_ <= config_.plateau_patience) return;
  plateau_factor_ = std::max(plateau_factor_ * config_.decay, config_.final_factor);
  plateau_count_ = 0;
}

}  // namespace cadenza
