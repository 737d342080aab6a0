// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "cadenza/backend.h"
#include "cadenza/parameters.h"

namespace cadenza {

std::string_view name_of(OptimizerKind kind);
/// "sgd", "momentum", "rmsprop", "adam", "adamw"; ArgumentError lists them.
OptimizerKind parse_optimizer(std::string_view name);

struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::adam;
  double learning_rate = 1e-3;
  double beta1 = 0.9;  ///< also the momentum of "momentum"
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  double clip_norm = 0.0;  ///< 0: off
};

/// Owns the moments of the parameters it updates.
class Optimizer {
 public:
  Optimizer(Parameters& parameters, const OptimizerConfig& config);
  /// One update from the gradients, with the configured rate times `rate_factor`.
  void step(double rate_factor);
  std::int64_t steps() const { return steps_; }
  /// For checkpoints; the tensors are [P] or absent.
  void set_steps(std::int64_t steps) { steps_ = steps; }
  const Tensor& first_moment() const { return first_moment_; }
  const Tensor& second_moment() const { return second_moment_; }

 private:
  Parameters* parameters_;
  OptimizerConfig config_;
  Tensor first_moment_;
  Tensor second_moment_;
  Tensor squared_norm_;
  std::int64_t steps_ = 0;
};

enum class ScheduleKind : std::uint8_t { constant, exponential, cosine, plateau };
std::string_view name_of(ScheduleKind kind);
ScheduleKind parse_schedule(std::string_view name);

/// The learning rate as a factor of the configured one, after a linear warm-up from 0.
struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::constant;
  std::int64_t warmup_steps = 0;
  double decay = 0.95;        ///< exponential: factor an epoch; plateau: factor at each plateau
  double final_factor = 0.0;  ///< cosine: factor at the last step; others: lower bound
  int plateau_patience = 3;   ///< plateau: validations without improvement before a decay
};

/// Evaluates a schedule; plateau needs to hear of validations.
class Schedule {
 public:
  /// `total_steps` is where the cosine ends.
  Schedule(const ScheduleConfig& config, std::int64_t total_steps)
      : config_(config), total_steps_(total_steps) {}
  /// Factor for the 0-based `step`, `epochs` full or partial epochs into training.
  double factor(std::int64_t step, double epochs) const;
  void observe_validation(bool improved);

  /// The state of the plateau rule, for checkpoints.
  double plateau_factor() const { return plateau_factor_; }
  int plateau_count() const { return plateau_count_; }
  void restore_plateau(double factor, int count) {
    plateau_factor_ = factor;
    plateau_count_ = count;
  }

 private:
  ScheduleConfig config_;
  std::int64_t total_steps_;
  double plateau_factor_ = 1.0;
  int plateau_count_ = 0;
};

}  // namespace cadenza
