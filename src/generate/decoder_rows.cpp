// SPDX-License-Identifier: Apache-2.0
#include "generate/decoder_rows.h"

#include <algorithm>

#include "nn/arrange.h"

namespace cadenza {
namespace {

Tensor kept(Backend& backend, const TensorView& value) {
  Tensor copy(backend, value.shape, value.dtype);
  backend.copy(value, copy);
  return copy;
}

/// state [S, R, H] with row from[r] in the place of row r.
Variable& reordered(Tape& tape, const TensorView& state, const std::vector<std::int32_t>& from) {
  const auto rows = static_cast<std::int64_t>(from.size());
  std::vector<std::int32_t> ids;
  for (std::int64_t s = 0; s < state.shape[0]; ++s) {
    for (const std::int32_t row : from) ids.push_back(static_cast<std::int32_t>(s * rows) + row);
  }
  const TensorView uploaded = tape.upload(std::span(ids), {state.shape[0] * rows});
  return gather_rows(tape, tape.constant(state), uploaded, state.shape);
}

}  // namespace

DecoderRows::DecoderRows(Seq2Seq& model, std::span<const Sequence* const> sources)
    : model_(model),
      memory_arena_(model.backend()),
      step_arena_(model.backend()),
      memory_tape_(model.backend(), memory_arena_, model.parameters().dtype(), GradMode::none) {
  std::size_t steps = 0;
  for (const Sequence* source : sources) {
    lengths_.push_back(static_cast<std::int32_t>(source->tokens.size()));
    steps = std::max(steps, source->tokens.size());
  }
  std::vector<std::int32_t> ids(steps * sources.size(), -1);
  for (std::size_t r = 0; r < sources.size(); ++r) {
    for (std::size_t s = 0; s < sources[r]->tokens.size(); ++s) {
      ids[s * sources.size() + r] = sources[r]->tokens[s];
    }
  }
  Seq2SeqPass pass(memory_tape_, model_.config(), model_.parameters(), {});
  const Seq2SeqPass::Encoded encoded =
      pass.encode({.steps = static_cast<std::int64_t>(steps), .ids = ids, .lengths = lengths_});
  memory_ = encoded.memory;
  for (const Variable* layer : encoded.state.layers) {
    layers_.push_back(kept(model_.backend(), layer->value()));
  }
  if (encoded.state.feed != nullptr) {
    feed_.push_back(kept(model_.backend(), encoded.state.feed->value()));
  }
}

TensorView DecoderRows::step(const std::vector<std::int32_t>& from,
                             const std::vector<std::int32_t>& tokens) {
  step_arena_.reset();
  Tape tape(model_.backend(), step_arena_, model_.parameters().dtype(), GradMode::none);
  Seq2SeqPass pass(tape, model_.config(), model_.parameters(), {});
  Seq2SeqPass::State state;
  for (const Tensor& layer : layers_) state.layers.push_back(&reordered(tape, layer, from));
  if (!feed_.empty()) state.feed = &reordered(tape, feed_.front(), from);
  Variable& x = pass.embed(tape.upload(std::span(tokens), {1, count()}));
  const TensorView logits = pass.logits(pass.decode(x, memory_, state, 0).value());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    model_.backend().copy(state.layers[l]->value(), layers_[l]);
  }
  if (!feed_.empty()) model_.backend().copy(state.feed->value(), feed_.front());
  return logits;
}

}  // namespace cadenza
