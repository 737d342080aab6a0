// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "cadenza/error.h"
#include "cadenza/trainer.h"

namespace cadenza {
namespace {

void check_finite(bool ok, const char* name, double value, const char* expected) {
  check(ok && std::isfinite(value), "training: ", name, " is ", value, ", expected ", expected);
}

}  // namespace

void TrainingConfig::validate() const {
  check(batch_size >= 1, "training: batch_size is ", batch_size, ", expected at least 1");
  check(sequence_length >= 1, "training: sequence_length is ", sequence_length,
        ", expected at least 1");
  check(epochs >= 0 && steps >= 0 && epochs + steps > 0, "training: epochs is ", epochs,
        " and steps is ", steps, ", expected one above 0");
  check(validate_every >= 0, "training: validate_every is ", validate_every,
        ", expected at least 0");
  check(patience >= 0, "training: patience is ", patience, ", expected at least 0");
  check_finite(optimizer.learning_rate > 0, "learning_rate", optimizer.learning_rate, "above 0");
  check_finite(optimizer.beta1 >= 0 && optimizer.beta1 < 1, "beta1", optimizer.beta1, "[0, 1)");
  check_finite(optimizer.beta2 >= 0 && optimizer.beta2 < 1, "beta2", optimizer.beta2, "[0, 1)");
  check_finite(optimizer.epsilon > 0, "epsilon", optimizer.epsilon, "above 0");
  check_finite(optimizer.weight_decay >= 0, "weight_decay", optimizer.weight_decay, "at least 0");
  check_finite(optimizer.clip_norm >= 0, "clip_norm", optimizer.clip_norm, "at least 0");
  check(schedule.warmup_steps >= 0, "training: warmup_steps is ", schedule.warmup_steps,
        ", expected at least 0");
  check_finite(schedule.decay > 0 && schedule.decay <= 1, "decay", schedule.decay, "(0, 1]");
  check_finite(schedule.final_factor >= 0 && schedule.final_factor <= 1, "final_factor",
               schedule.final_factor, "[0, 1]");
}

}  // namespace cadenza
