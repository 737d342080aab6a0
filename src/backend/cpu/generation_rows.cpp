// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/generation_rows.h"

#include <algorithm>

#include "backend/cpu/cells.h"

namespace cadenza::cpu {
namespace {

using Head = GenerationNetwork::Head;

/// With so few rows the time is that of reading the weights. Steps that go through a layer to and
/// fro begin with what the second-level cache still holds of the step before. With more, products
/// fetch panels ahead, which is made for going forward. (Measured with AVX-512, where they are one
/// tile.)
constexpr std::int64_t kFewRows = 10;

bool bounded(CellKind cell) { return kCellLayouts[static_cast<std::size_t>(cell)].bounded; }

std::int64_t most_sums(const GenerationWeights& weights) {
  return weights.layers.front().sums() * panel_width();
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
  const CellKind cell = args.network->cell;
  for (const PackedLayer& packed : weights.layers) {
    const std::int64_t width = packed.width();
    const std::int64_t size = most_rows * width;
    Layer layer{{frame.floats(size), frame.floats(size)},
                info_of(cell).states > 1 ? frame.floats(size) : nullptr,
                {}};
    for (Codes& codes : layer.codes) codes = take_codes(frame, most_rows, width);
    phases_.push_back({Phase::Kind::layer, layers_.size()});
    if (of_integers(weights.format) && !bounded(cell)) {
      phases_.push_back({Phase::Kind::encode_layer, layers_.size()});
    }
    layers_.push_back(layer);
  }
  if (weights.layers.front().ids == 0) {
    input_ = take_codes(frame, most_rows, weights.layers.front().input);
  }
  const std::int64_t last = std::ssize(weights.dense) - 1;
  for (std::int64_t i = 0; i <= last; ++i) {
    add_dense(frame, weights.dense[static_cast<std::size_t>(i)], i - 1, most_rows, i < last);
  }
  if (weights.nade_hidden) add_dense(frame, *weights.nade_hidden, last - 1, most_rows, false);
  phases_.push_back({Phase::Kind::draw, 0});
}

void GenerationRows::add_dense(const Scratch::Frame& frame, const PackedDense& packed,
                               std::int64_t source, std::int64_t most_rows, bool read) {
  const std::int64_t width = packed.width();
  phases_.push_back({Phase::Kind::dense, dense_.size()});
  if (read && of_integers(weights_.format)) {
    phases_.push_back({Phase::Kind::encode_dense, dense_.size()});
  }
  dense_.push_back({&packed, source, frame.floats(most_rows * width),
                    read ? take_codes(frame, most_rows, width) : Codes()});
}

GenerationRows::Codes GenerationRows::take_codes(const Scratch::Frame& frame,
                                                 std::int64_t most_rows,
                                                 std::int64_t columns) const {
  if (!of_integers(weights_.format)) return {};
  Codes codes{nullptr, padded_codes(columns), frame.floats(most_rows)};
  codes.data = frame.take<std::byte>(most_rows * codes.stride * code_bytes(weights_.format));
  std::fill_n(codes.steps, most_rows, unit_step(weights_.format));
  return codes;
}

std::size_t GenerationRows::bytes(const GenerationNetwork& network, Precision format,
                                  std::int64_t rows) {
  const auto padded = [](std::int64_t units) {
    return (units + panel_width() - 1) / panel_width() * panel_width();
  };
  const auto codes = [&](std::int64_t columns) {
    if (!of_integers(format)) return std::int64_t{0};
    return padded_codes(columns) * code_bytes(format) + std::int64_t{sizeof(float)};
  };
  std::int64_t floats = 0;
  std::int64_t bytes = 0;
  for (const RecurrentWeights& layer : network.layers) {
    const std::int64_t width = padded(layer.w_hh.shape[1]);
    floats += (info_of(network.cell).states + 1) * width;
    bytes += 3 * codes(width);
  }
  if (network.head != Head::softmax) bytes += codes(network.width);
  for (const DenseWeights& dense : network.dense) {
    const std::int64_t width = padded(dense.weight.shape[0]);
    floats += width;
    if (&dense != &network.dense.back()) bytes += codes(width);
  }
  if (network.head == Head::nade) floats += padded(network.nade_hidden.weight.shape[0]);
  return static_cast<std::size_t>((floats * std::int64_t{sizeof(float)} + bytes) * rows);
}

void GenerationRows::encode(const Codes& codes, std::int64_t row, const float* x,
                            std::int64_t columns) const {
  encode_row(weights_.format, x, columns,
             codes.data + row * codes.stride * code_bytes(weights_.format), codes.steps + row);
}

void GenerationRows::encode_input(std::int64_t row) const {
  if (input_.data == nullptr) return;
  const std::int64_t columns = weights_.layers.front().input;
  encode(input_, row, args_.input.as<float>() + (range_.begin + row) * columns, columns);
}

void GenerationRows::load(Range range) {
  range_ = range;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const TensorView& states = args_.states[l];
    const std::int64_t hidden = states.shape[2];
    const std::int64_t stride = weights_.layers[l].width();
    for (std::int64_t s = 0; s < states.shape[0]; ++s) {
      const float* const from = states.at(s).as<float>() + range.begin * hidden;
      float* const to = state_of(layers_[l], s, 0);
      for (std::int64_t row = 0; row < rows(); ++row) {
        std::fill(std::copy_n(from + row * hidden, hidden, to + row * stride),
                  to + (row + 1) * stride, 0.0F);
        const Codes& codes = layers_[l].codes[2];
        if (s == 0 && codes.data != nullptr) encode(codes, row, to + row * stride, hidden);
      }
    }
  }
  for (std::int64_t row = 0; row < rows(); ++row) encode_input(row);
  std::fill_n(finished_, rows(), 0);
  if (!args_.finished.empty()) {
    std::copy_n(args_.finished.as<std::int32_t>() + range.begin, rows(), finished_);
  }
}

void GenerationRows::store(std::int64_t steps) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const TensorView& states = args_.states[l];
    const std::int64_t hidden = states.shape[2];
    const std::int64_t stride = weights_.layers[l].width();
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
  const auto& [kind, index] = phases_[static_cast<std::size_t>(phase)];
  switch (kind) {
    case Phase::Kind::layer:
      return weights_.layers[index].blocks;
    case Phase::Kind::dense:
      return dense_[index].weights->blocks;
    default:
      return rows();
  }
}

bool GenerationRows::ended() const {
  return std::all_of(finished_, finished_ + rows(), [](std::int32_t flag) { return flag != 0; });
}

void GenerationRows::run(std::int64_t step, std::int64_t phase, Range items,
                         GenerationWorkspace& workspace) {
  const Phase::Kind kind = phases_[static_cast<std::size_t>(phase)].kind;
  const std::size_t index = phases_[static_cast<std::size_t>(phase)].index;
  if (kind != Phase::Kind::draw && ended()) return;
  const auto each_row = [&](const auto& take) {
    for (std::int64_t row = items.begin; row < items.end; ++row) take(row);
  };
  switch (kind) {
    case Phase::Kind::layer:
      return run_layer(step, index, items, workspace.sums);
    case Phase::Kind::dense:
      return run_dense(step, index, items);
    case Phase::Kind::encode_layer: {
      const PackedLayer& layer = weights_.layers[index];
      const float* const h = layers_[index].h[(step + 1) % 2];
      return each_row([&](std::int64_t row) {
        encode(layers_[index].codes[(step + 1) % 2], row, h + row * layer.width(), layer.hidden);
      });
    }
    case Phase::Kind::encode_dense: {
      const Dense& dense = dense_[index];
      return each_row([&](std::int64_t row) {
        encode(dense.codes, row, dense.out + row * dense.weights->width(), dense.weights->outputs);
      });
    }
    case Phase::Kind::draw:
      return each_row([&](std::int64_t row) { draw(step, row, workspace); });
  }
}

Factors GenerationRows::h_factors(std::size_t l, std::int64_t step) const {
  const Layer& layer = layers_[l];
  if (of_integers(weights_.format)) return layer.codes[step == 0 ? 2 : step % 2].factors();
  return {layer.h[step % 2], weights_.layers[l].width(), nullptr};
}

void GenerationRows::run_layer(std::int64_t step, std::size_t l, Range blocks, float* sums) const {
  const PackedLayer& layer = weights_.layers[l];
  LayerStep now{.rows = rows(),
                .factors = h_factors(l, step),
                .h = layers_[l].h[step % 2],
                .h_next = layers_[l].h[(step + 1) % 2],
                .c = layers_[l].c,
                .sums = sums,
                .backward = step % 2 == 1 && rows() <= kFewRows};
  if (bounded(layer.cell)) {
    const Codes& codes = layers_[l].codes[(step + 1) % 2];
    now.codes = codes.data;
    now.code_stride = codes.stride;
  }
  if (layer.ids > 0) {
    now.ids = args_.input.as<std::int32_t>() + range_.begin;
  } else if (l > 0) {
    now.x = h_factors(l - 1, step + 1);
  } else if (input_.data != nullptr) {
    now.x = input_.factors();
  } else {
    now.x = {args_.input.as<float>() + range_.begin * layer.input, layer.input, nullptr};
  }
  step_layer(layer, now, blocks);
}

void GenerationRows::run_dense(std::int64_t step, std::size_t l, Range blocks) const {
  const Dense& dense = dense_[l];
  Factors x;
  if (dense.source < 0) {
    x = h_factors(layers_.size() - 1, step + 1);
  } else if (const Dense& source = dense_[static_cast<std::size_t>(dense.source)];
             of_integers(weights_.format)) {
    x = source.codes.factors();
  } else {
    x = {source.out, source.weights->width(), nullptr};
  }
  step_dense(*dense.weights, x, rows(), dense.out, blocks);
}

}  // namespace cadenza::cpu
