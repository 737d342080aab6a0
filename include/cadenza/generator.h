// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cadenza/language_model.h"
#include "cadenza/sampling.h"

namespace cadenza {

struct GenerationRequest {
  std::int64_t num_outputs = 1;
  std::int64_t first_sequence = 0;  ///< number of the first output; noise depends on the number
  std::int64_t num_steps = 512;     ///< tokens or frames after the primer
  /// Number of the first step drawn; noise depends on the number. Output k of a seed, read as the
  /// primer up to step n, goes on as it did with first_step n.
  std::int64_t first_step = 0;
  std::uint64_t seed = 0;
  /// One for all outputs, or one each.
  std::vector<SamplingParams> sampling = std::vector<SamplingParams>(1);
  std::vector<ConditionValue> conditions;  ///< one for each of the model's
  Sequence primer;                         ///< read before the first draw; may be empty
  std::vector<float> bias;                 ///< [V], added to the logits of tokens; may be empty
  std::vector<bool> allowed;               ///< [V]; tokens that may be drawn; empty: all
  int penalty_window = 64;                 ///< tokens (with the primer) that penalties look back on
  std::int64_t batch_size = 256;           ///< rows computed together; never changes the result
};

struct Generated {
  std::int64_t number = 0;       ///< of the sequence
  Sequence sequence;             ///< primer and continuation
  double log_probability = 0.0;  ///< sum over the generated steps, after filters
};

/// Batched autoregressive generation. Output k of a seed is the same bytes whether one or many are
/// asked for, in whatever batches, with however many threads.
class Generator {
 public:
  Generator(const LanguageModel& model, const Tokenizer& tokenizer)
      : model_(&model), tokenizer_(&tokenizer) {}
  /// How the backend will do it.
  GenerationPlan plan(const GenerationRequest& request) const;
  /// ArgumentError for settings out of range or a primer that is not the model's kind or leaves
  /// its vocabulary. `progress(done, total)` counts steps over all rows.
  std::vector<Generated> run(
      const GenerationRequest& request,
      const std::function<void(std::int64_t, std::int64_t)>& progress = {}) const;

 private:
  const LanguageModel* model_;
  const Tokenizer* tokenizer_;
};

}  // namespace cadenza
