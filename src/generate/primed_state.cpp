// SPDX-License-Identifier: Apache-2.0
#include "generate/primed_state.h"

#include "backend/network_step.h"
#include "generate/host_arrays.h"

namespace cadenza {
namespace {

/// one [S, 1, ..] with its only row `rows` times, [S, rows, ..].
template <typename T>
Tensor repeated(Backend& backend, const TensorView& one, std::int64_t rows) {
  const std::vector<T> values = get<T>(backend, one);
  const auto width = static_cast<std::ptrdiff_t>(one.count() / one.shape[0]);
  std::vector<T> all;
  for (auto row = values.begin(); row != values.end(); row += width) {
    for (std::int64_t i = 0; i < rows; ++i) all.insert(all.end(), row, row + width);
  }
  Tensor wide(backend, one.shape.with(1, rows), one.dtype);
  put(backend, all, wide);
  return wide;
}

}  // namespace

PrimedState::PrimedState(const LanguageModel& model, const GenerationNetwork& network,
                         const Sequence& primer)
    : backend_(model.backend()) {
  const LanguageModelConfig& config = model.config();
  const bool tokens = config.step_kind() == StepKind::token;
  state_.layers = model.make_state(1);
  if (config.attention_length > 0) {
    state_.memory = std::move(state_.layers.back());
    state_.layers.pop_back();
  }
  if (const std::int64_t slots = network.history_slots(); slots > 0) {
    state_.history = Tensor(backend_, {slots, 1}, DType::i32);
    put(backend_, std::vector<std::int32_t>(static_cast<std::size_t>(slots), -1), state_.history);
  }
  const std::vector<TensorView> states(state_.layers.begin(), state_.layers.end());
  const NetworkRows rows = {.states = states, .memory = state_.memory, .history = state_.history};
  NetworkStep step(backend_, network, 1);
  const Tensor input =
      tokens ? Tensor(backend_, {1}, DType::i32) : Tensor(backend_, {1, config.width}, DType::f32);
  for (std::size_t t = 0; t < primer.size(); ++t) {
    // The model predicts step t from step t - 1, and the first from nothing.
    if (tokens) {
      put<std::int32_t>(backend_, {t > 0 ? primer.tokens[t - 1] : -1}, input);
    } else {
      put(backend_, to_floats(t > 0 ? primer.frames[t - 1] : Frame()), input);
    }
    const auto position = static_cast<std::int64_t>(t);
    step.run(input, rows, position);
    if (rows.history.empty()) continue;
    put<std::int32_t>(backend_, {primer.tokens[t]},
                      rows.history.at(position % rows.history.shape[0]));
  }
}

RowStates PrimedState::broadcast(std::int64_t rows) const {
  RowStates wide;
  for (const Tensor& layer : state_.layers) {
    wide.layers.push_back(repeated<float>(backend_, layer, rows));
  }
  if (!state_.memory.view().empty()) wide.memory = repeated<float>(backend_, state_.memory, rows);
  if (!state_.history.view().empty()) {
    wide.history = repeated<std::int32_t>(backend_, state_.history, rows);
  }
  return wide;
}

}  // namespace cadenza
