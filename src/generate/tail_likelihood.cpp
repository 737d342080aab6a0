// SPDX-License-Identifier: Apache-2.0
#include "generate/tail_likelihood.h"

#include <algorithm>

#include "core/largest_that_fits.h"
#include "nn/host_copy.h"

namespace cadenza {
namespace {

constexpr std::int64_t kChunk = 256;  // steps in memory at once

/// Steps [first, first + kChunk) of some tails.
Batch batch_of(std::span<const Tail> tails, std::int64_t first, std::int64_t longest,
               const LanguageModelConfig& config, std::span<const ConditionValue> conditions) {
  const auto rows = static_cast<std::int64_t>(tails.size());
  Batch batch = {.steps = std::min(kChunk, longest - first), .rows = rows, .width = config.width};
  const auto cells = static_cast<std::size_t>(batch.steps * rows);
  batch.input_ids.assign(cells, -1);
  batch.target_ids.assign(cells, -1);
  batch.weights.assign(cells, 0.0F);
  batch.keep_state.assign(tails.size(), first == 0 ? 0.0F : 1.0F);
  batch.first_step.assign(tails.size(), first);
  for (std::int64_t back = config.history(); back > 0; --back) {
    const std::int64_t position = first - 1 - back;
    for (const Tail& tail : tails) {
      const bool known =
          position >= 0 && position < static_cast<std::int64_t>(tail.sequence.size());
      batch.history.push_back(known ? tail.sequence.tokens[static_cast<std::size_t>(position)]
                                    : -1);
    }
  }
  for (const ConditionValue& value : conditions) batch.conditions.emplace_back(tails.size(), value);
  for (std::int64_t b = 0; b < rows; ++b) {
    const Tail& tail = tails[static_cast<std::size_t>(b)];
    const auto size = static_cast<std::int64_t>(tail.sequence.size());
    const std::int64_t length = std::clamp<std::int64_t>(size - first, 0, batch.steps);
    batch.lengths.push_back(static_cast<std::int32_t>(length));
    for (std::int64_t t = 0; t < length; ++t) {
      const auto cell = static_cast<std::size_t>(t * rows + b);
      const auto position = static_cast<std::size_t>(first + t);
      if (position > 0) batch.input_ids[cell] = tail.sequence.tokens[position - 1];
      batch.target_ids[cell] = tail.sequence.tokens[position];
      batch.weights[cell] = position < tail.begin ? 0.0F : 1.0F;
    }
  }
  return batch;
}

/// The likelihoods of some side by side.
std::vector<double> likelihoods_of(LanguageModel& model, std::span<const Tail> tails,
                                   std::span<const ConditionValue> conditions) {
  std::size_t longest = 0;
  for (const Tail& tail : tails) longest = std::max(longest, tail.sequence.size());
  const std::vector<Tensor> state = model.make_state(static_cast<std::int64_t>(tails.size()));
  Arena arena(model.backend());
  std::vector<double> result(tails.size(), 0.0);
  for (std::int64_t first = 0; first < static_cast<std::int64_t>(longest); first += kChunk) {
    arena.reset();
    Tape tape(model.backend(), arena, model.parameters().dtype(), GradMode::none);
    const Batch batch =
        batch_of(tails, first, static_cast<std::int64_t>(longest), model.config(), conditions);
    const auto losses =
        download_real(model.backend(), model.loss(tape, batch, state, DropoutKey(), 1.0));
    for (std::size_t i = 0; i < losses.size(); ++i) result[i % tails.size()] -= losses[i];
  }
  return result;
}

}  // namespace

std::vector<double> tail_likelihoods(LanguageModel& model, std::span<const Tail> tails,
                                     std::span<const ConditionValue> conditions,
                                     std::int64_t batch_size) {
  std::vector<double> result;
  while (result.size() < tails.size()) {
    const std::size_t done = result.size();
    const auto some =
        tails.subspan(done, std::min(static_cast<std::size_t>(batch_size), tails.size() - done));
    const auto count = static_cast<std::int64_t>(some.size());
    const std::vector<double> values = with_room(
        message("measuring ", count, " sequences at once"), count, [&](std::int64_t rows) {
          return likelihoods_of(model, some.first(static_cast<std::size_t>(rows)), conditions);
        });
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

}  // namespace cadenza
