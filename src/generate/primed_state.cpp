// SPDX-License-Identifier: Apache-2.0
#include "generate/primed_state.h"

#include "generate/host_arrays.h"
#include "nn/step_stack.h"

namespace cadenza {

PrimedState::PrimedState(const LanguageModel& model, const GenerationNetwork& network,
                         const Sequence& primer)
    : model_(model), backend_(model.backend()), state_(model.make_state(1)) {
  const LanguageModelConfig& config = model.config();
  const bool tokens = config.step_kind() == StepKind::token;
  StepStack layers(backend_, network.cell, network.layers, {state_.begin(), state_.end()});
  const Tensor id(backend_, {1}, DType::i32);
  const Tensor features(backend_, {1, config.input_width()}, DType::f32);
  for (std::size_t t = 0; t < primer.size(); ++t) {
    // The model predicts step t from step t - 1, and the first from nothing.
    if (tokens) {
      put<std::int32_t>(backend_, {t > 0 ? primer.tokens[t - 1] : -1}, id);
    } else {
      put(backend_, to_floats(t > 0 ? primer.frames[t - 1] : Frame()), features);
    }
    if (!network.embedding.empty()) {
      backend_.embedding({.ids = id, .table = network.embedding, .y = features});
    }
    layers.step(tokens && network.embedding.empty() ? id.view() : features.view());
  }
}

std::vector<Tensor> PrimedState::broadcast(std::int64_t rows) const {
  std::vector<Tensor> wide = model_.make_state(rows);
  for (std::size_t layer = 0; layer < wide.size(); ++layer) {
    const auto one = get<float>(backend_, state_[layer]);
    const auto hidden = static_cast<std::ptrdiff_t>(state_[layer].view().shape[2]);
    std::vector<float> all;
    for (auto state = one.begin(); state != one.end(); state += hidden) {
      for (std::int64_t row = 0; row < rows; ++row) all.insert(all.end(), state, state + hidden);
    }
    put(backend_, all, wide[layer]);
  }
  return wide;
}

}  // namespace cadenza
