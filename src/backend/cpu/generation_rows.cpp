// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/generation_rows.h"

#include <algorithm>
#include <cstring>

#include "backend/reference/reference_backend.h"

namespace cadenza::cpu {
namespace {

using Head = GenerationNetwork::Head;

std::int64_t width_of(const PackedLayer& layer) { return layer.blocks * panel_width(); }
std::int64_t width_of(const PackedDense& dense) { return dense.blocks * panel_width(); }

std::int64_t most_sums(const GenerationWeights& weights) {
  return weights.layers.front().sums() * panel_width();
}

/// Rows [row, row + 1) of what a draw is addressed by.
DrawRows row_of(const DrawRows& rows, std::int64_t row) {
  return {rows.seed, rows.params.slice(row, 1), rows.sequences.slice(row, 1),
          rows.steps.slice(row, 1)};
}

/// Element [step, row] of a [T, B] array, or null.
template <typename T>
T* element(const TensorView& view, std::int64_t step, std::int64_t row) {
  return view.empty() ? nullptr : view.as<T>() + step * view.shape[1] + row;
}

/// A window forgets its oldest token.
void remember(const TensorView& window, std::int64_t row, std::int32_t token) {
  if (window.empty() || window.shape[1] == 0) return;
  std::int32_t* const begin = window.as<std::int32_t>() + row * window.shape[1];
  std::int32_t* const last = begin + window.shape[1] - 1;
  std::copy(begin + 1, last + 1, begin);
  *last = token;
}

}  // namespace

GenerationWorkspace::GenerationWorkspace(const Scratch::Frame& frame,
                                         const GenerationWeights& weights, std::int64_t rows)
    : sums(frame.floats(rows * most_sums(weights))),
      nade(weights.nade_hidden ? frame.floats(scratch_of_row(weights.nade)) : nullptr),
      sample(static_cast<std::size_t>(weights.dense.back().outputs)) {}

GenerationRows::GenerationRows(const Scratch::Frame& frame, const GenerationWeights& weights,
                               const GenerateArgs& args, std::int64_t most_rows)
    : weights_(weights), args_(args), finished_(frame.take<std::int32_t>(most_rows)) {
  const std::int64_t states = info_of(args.network->cell).states;
  for (const PackedLayer& packed : weights.layers) {
    const std::int64_t size = most_rows * width_of(packed);
    layers_.push_back(
        {{frame.floats(size), frame.floats(size)}, states > 1 ? frame.floats(size) : nullptr});
  }
  const std::int64_t hidden = weights.layers.back().hidden;
  Matrix x{nullptr, 0, hidden, width_of(weights.layers.back()), 1};
  Matrix last_x = x;
  const auto add = [&](const PackedDense& packed, const Matrix& input) {
    float* const out = frame.floats(most_rows * width_of(packed));
    dense_.push_back({&packed, input, out});
    last_x = input;
    x = {out, 0, packed.outputs, width_of(packed), 1};
  };
  for (const PackedDense& packed : weights.dense) add(packed, x);
  if (weights.nade_hidden) add(*weights.nade_hidden, last_x);
}

std::int64_t GenerationRows::floats(const GenerationNetwork& network, std::int64_t rows) {
  const auto padded = [](std::int64_t units) {
    return (units + panel_width() - 1) / panel_width() * panel_width();
  };
  std::int64_t each = 0;
  for (const RecurrentWeights& layer : network.layers) {
    each += (info_of(network.cell).states + 1) * padded(layer.w_hh.shape[1]);
  }
  for (const DenseWeights& dense : network.dense) each += padded(dense.weight.shape[0]);
  if (network.head == Head::nade) each += padded(network.nade_hidden.weight.shape[0]);
  return each * rows;
}

void GenerationRows::load(Range range) {
  range_ = range;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const TensorView& states = args_.states[l];
    const std::int64_t hidden = states.shape[2];
    const std::int64_t stride = width_of(weights_.layers[l]);
    for (std::int64_t s = 0; s < states.shape[0]; ++s) {
      const float* const from = states.at(s).as<float>() + range.begin * hidden;
      float* const to = state_of(layers_[l], s, 0);
      for (std::int64_t row = 0; row < rows(); ++row) {
        std::fill(std::copy_n(from + row * hidden, hidden, to + row * stride),
                  to + (row + 1) * stride, 0.0F);
      }
    }
  }
  std::fill_n(finished_, rows(), 0);
  if (!args_.finished.empty()) {
    std::copy_n(args_.finished.as<std::int32_t>() + range.begin, rows(), finished_);
  }
}

void GenerationRows::store(std::int64_t steps) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const TensorView& states = args_.states[l];
    const std::int64_t hidden = states.shape[2];
    const std::int64_t stride = width_of(weights_.layers[l]);
    for (std::int64_t s = 0; s < states.shape[0]; ++s) {
      const float* const from = state_of(layers_[l], s, steps);
      float* const to = states.at(s).as<float>() + range_.begin * hidden;
      for (std::int64_t row = 0; row < rows(); ++row) {
        std::copy_n(from + row * stride, hidden, to + row * hidden);
      }
    }
  }
  if (!args_.finished.empty()) {
    std::copy_n(finished_, rows(), args_.finished.as<std::int32_t>() + range_.begin);
  }
}

std::int64_t GenerationRows::items(std::int64_t phase) const {
  auto i = static_cast<std::size_t>(phase);
  if (i < layers_.size()) return weights_.layers[i].blocks;
  i -= layers_.size();
  return i < dense_.size() ? dense_[i].weights->blocks : rows();
}

bool GenerationRows::ended() const {
  return std::all_of(finished_, finished_ + rows(), [](std::int32_t flag) { return flag != 0; });
}

void GenerationRows::run(std::int64_t step, std::int64_t phase, Range items,
                         GenerationWorkspace& workspace) {
  auto i = static_cast<std::size_t>(phase);
  const bool network = i < layers_.size() + dense_.size();
  if (network && ended()) return;
  if (i < layers_.size()) return run_layer(step, i, items, workspace.sums);
  if (network) return run_dense(step, i - layers_.size(), items);
  for (std::int64_t row = items.begin; row < items.end; ++row) draw(step, row, workspace);
}

void GenerationRows::run_layer(std::int64_t step, std::size_t l, Range blocks, float* sums) const {
  const PackedLayer& layer = weights_.layers[l];
  LayerStep now{.rows = rows(),
                .h = layers_[l].h[step % 2],
                .h_next = layers_[l].h[(step + 1) % 2],
                .c = layers_[l].c,
                .sums = sums};
  if (layer.ids > 0) {
    now.ids = args_.input.as<std::int32_t>() + range_.begin;
  } else if (l == 0) {
    now.x = args_.input.as<float>() + range_.begin * layer.input;
    now.x_stride = layer.input;
  } else {
    now.x = layers_[l - 1].h[(step + 1) % 2];
    now.x_stride = width_of(weights_.layers[l - 1]);
  }
  step_layer(layer, now, blocks);
}

void GenerationRows::run_dense(std::int64_t step, std::size_t l, Range blocks) const {
  Matrix x = dense_[l].input;
  x.rows = rows();
  if (x.data == nullptr) x.data = layers_.back().h[(step + 1) % 2];
  step_dense(*dense_[l].weights, x, dense_[l].out, blocks);
}

void GenerationRows::draw(std::int64_t step, std::int64_t row, GenerationWorkspace& workspace) {
  if (args_.network->head == Head::softmax) {
    draw_token(step, row, workspace.sample);
  } else {
    draw_frame(step, row, workspace.nade);
  }
  ++args_.rows.steps.as<std::int32_t>()[range_.begin + row];
}

void GenerationRows::draw_token(std::int64_t step, std::int64_t row, SampleScratch& scratch) {
  const std::int64_t b = range_.begin + row;
  const auto vocabulary = static_cast<std::size_t>(args_.network->width);
  std::int32_t& token = *element<std::int32_t>(args_.tokens, step, b);
  float* const log_probability = element<float>(args_.log_probability, step, b);
  SampleResult result{.token = -1};
  if (finished_[row] == 0) {
    const Dense& last = dense_.back();
    SampleRow from{
        .logits = {last.out + row * width_of(*last.weights), vocabulary},
        .seed = args_.rows.seed,
        .sequence = static_cast<std::uint64_t>(args_.rows.sequences.as<std::int64_t>()[b]),
        .step = static_cast<std::uint32_t>(args_.rows.steps.as<std::int32_t>()[b]),
        .scores = log_probability != nullptr};
    std::memcpy(&from.params, args_.rows.params.at(b).data, sizeof from.params);
    if (!args_.bias.empty()) from.bias = {args_.bias.as<float>(), vocabulary};
    if (!args_.allowed.empty()) {
      const std::int64_t words = args_.allowed.shape[1];
      from.allowed = {static_cast<const std::uint32_t*>(args_.allowed.data) + b * words,
                      static_cast<std::size_t>(words)};
    }
    if (!args_.window.empty()) {
      const std::int64_t slots = args_.window.shape[1];
      from.window = {args_.window.as<std::int32_t>() + b * slots, static_cast<std::size_t>(slots)};
    }
    result = draw_row(from, scratch);
    remember(args_.window, b, result.token);
    if (args_.end_token >= 0 && result.token == args_.end_token) finished_[row] = 1;
  }
  token = result.token;
  args_.input.as<std::int32_t>()[b] = result.token;
  if (log_probability != nullptr) *log_probability = result.log_probability;
}

void GenerationRows::draw_frame(std::int64_t step, std::int64_t row, float* scratch) const {
  const std::int64_t b = range_.begin + row;
  const std::int64_t keys = args_.network->width;
  float* const frame = args_.frames.as<float>() + (step * args_.frames.shape[1] + b) * keys;
  float* const log_probability = element<float>(args_.log_probability, step, b);
  const auto row_view = [](float* data, std::int64_t count) {
    return data == nullptr ? TensorView() : TensorView{data, {1, count}, DType::f32};
  };
  const auto output = [&](const Dense& dense) {
    return row_view(dense.out + row * width_of(*dense.weights), dense.weights->outputs);
  };
  const TensorView score =
      log_probability == nullptr ? TensorView() : TensorView{log_probability, {1}, DType::f32};
  if (weights_.nade_hidden) {
    sample_nade_rows({.visible_bias = output(dense_[dense_.size() - 2]),
                      .hidden_bias = output(dense_.back()),
                      .w = args_.network->nade_w,
                      .u = args_.network->nade_u,
                      .rows = row_of(args_.rows, b),
                      .keys = row_view(frame, keys),
                      .log_probability = score},
                     weights_.nade, {0, 1, scratch, nullptr, nullptr});
  } else {
    reference::sample_keys({.logits = output(dense_.back()),
                            .rows = row_of(args_.rows, b),
                            .keys = row_view(frame, keys),
                            .log_probability = score});
  }
  std::copy_n(frame, keys, args_.input.as<float>() + b * keys);
}

}  // namespace cadenza::cpu
