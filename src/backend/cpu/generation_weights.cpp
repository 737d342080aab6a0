// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/generation_weights.h"

#include <algorithm>

#include "backend/cpu/cells.h"

namespace cadenza::cpu {
namespace {

using Head = GenerationNetwork::Head;

std::int64_t blocks_of(std::int64_t units) { return (units + panel_width() - 1) / panel_width(); }

/// Panels [blocks, matrices, K, W] of `matrices` matrices [units, K] that lie one below the other.
const float* pack_blocks(const Workers& workers, const Scratch::Frame& frame, const float* from,
                         std::int64_t matrices, const Matrix& shape) {
  const std::int64_t units = shape.rows;
  const std::int64_t depth = shape.columns;
  const std::int64_t width = panel_width();
  float* const packed = frame.floats(blocks_of(units) * matrices * depth * width);
  workers.pool.parallel_for(blocks_of(units), worth_a_thread(8 * matrices * depth * width),
                            [&](std::int64_t begin, std::int64_t end, int) {
                              for (std::int64_t block = begin; block < end; ++block) {
                                const std::int64_t first = block * width;
                                for (std::int64_t m = 0; m < matrices; ++m) {
                                  pack_panels({from + (m * units + first) * depth, depth,
                                               std::min(width, units - first), 1, depth},
                                              packed + (block * matrices + m) * depth * width);
                                }
                              }
                            });
  return packed;
}

/// start [blocks, sums, W]: the biases, in the order of addition of recurrent_step().
void set_start(const PackedLayer& layer, const RecurrentWeights& weights, float* start) {
  const std::int64_t width = panel_width();
  const std::int64_t gates = info_of(layer.cell).gates;
  const std::int64_t joined = kCellLayouts[static_cast<std::size_t>(layer.cell)].joined;
  const auto* b_ih = weights.b_ih.as<float>();
  const auto* b_hh = weights.b_hh.as<float>();
  std::fill_n(start, layer.start_row(), 0.0F);
  for (std::int64_t unit = 0; unit < layer.hidden; ++unit) {
    float* const sums = start + unit / width * layer.sums() * width + unit % width;
    for (std::int64_t gate = 0; gate < gates; ++gate) {
      const float recurrent = b_hh[gate * layer.hidden + unit];
      const float input = b_ih[gate * layer.hidden + unit];
      sums[gate * width] = gate < joined ? recurrent + input : recurrent;
      if (gate >= joined) sums[(gate + 1) * width] = input;
    }
  }
}

/// Column i of m, at most kMaxWidth rows high, is added at out + i * stride.
void add_columns(const Matrix& m, float* out, std::int64_t stride) {
  constexpr std::int64_t kMaxWidth = 64;  // of a panel on any target
  constexpr std::int64_t kColumns = 16;   // a line of the cache
  float columns[kColumns * kMaxWidth];
  for (std::int64_t first = 0; first < m.columns; first += kColumns) {
    const std::int64_t count = std::min(kColumns, m.columns - first);
    transpose(m.at(0, first), m.row_stride, m.rows, count, columns, m.rows);
    for (std::int64_t i = 0; i < count; ++i) {
      float* const to = out + (first + i) * stride;
      for (std::int64_t j = 0; j < m.rows; ++j) to[j] += columns[i * m.rows + j];
    }
  }
}

/// table [V + 1, blocks, sums, W]: what the sums of each id start from, one-hot or embedded.
void fill_table(const Workers& workers, const PackedLayer& layer, const RecurrentWeights& weights,
                const TensorView& embedding, float* table) {
  const std::int64_t width = panel_width();
  const std::int64_t gates = info_of(layer.cell).gates;
  const std::int64_t joined = kCellLayouts[static_cast<std::size_t>(layer.cell)].joined;
  const std::int64_t row_size = layer.start_row();
  const std::int64_t depth = weights.w_ih.shape[1];
  const auto* w_ih = weights.w_ih.as<float>();
  const Scratch::Frame frame(workers.scratch);
  set_start(layer, weights, table + layer.ids * row_size);
  const float* panels = nullptr;
  float* rows = nullptr;
  if (!embedding.empty()) {
    panels = pack_blocks(workers, frame, w_ih, gates, {nullptr, layer.hidden, depth, depth, 1});
    rows = frame.floats((layer.ids + 1) * depth);  // id -1 is a row of zeros
    std::fill_n(std::copy_n(embedding.as<float>(), layer.ids * depth, rows), depth, 0.0F);
  }
  for (std::int64_t id = 0; id < layer.ids; ++id) {
    std::copy_n(table + layer.ids * row_size, row_size, table + id * row_size);
  }
  const std::int64_t work = gates * width * layer.ids * (embedding.empty() ? 8 : depth);
  workers.pool.parallel_for(
      layer.blocks, worth_a_thread(work), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin * gates; i < end * gates; ++i) {
          const std::int64_t block = i / gates;
          const std::int64_t gate = i % gates;
          const std::int64_t plane = gate < joined ? gate : gate + 1;
          float* const out = table + (block * layer.sums() + plane) * width;
          if (rows != nullptr) {
            multiply_packed({rows, layer.ids + 1, depth, depth, 1}, panels + i * depth * width,
                            width, {out, row_size, nullptr, Accumulate::add});
            continue;
          }
          const std::int64_t units = std::min(width, layer.hidden - block * width);
          add_columns(
              {w_ih + (gate * layer.hidden + block * width) * depth, units, depth, depth, 1}, out,
              row_size);
        }
      });
}

/// Layer `l` of the network but for its memory.
PackedLayer layer_shape(const GenerationNetwork& network, std::size_t l) {
  const RecurrentWeights& weights = network.layers[l];
  PackedLayer layer{.cell = network.cell, .hidden = weights.w_hh.shape[1]};
  layer.blocks = blocks_of(layer.hidden);
  if (l == 0 && network.head == Head::softmax) {
    layer.ids = network.width;
  } else {
    layer.input = weights.w_ih.shape[1];
  }
  return layer;
}

PackedLayer pack_layer(const Workers& workers, const Scratch::Frame& frame,
                       const GenerationNetwork& network, std::size_t l) {
  const RecurrentWeights& weights = network.layers[l];
  const std::int64_t gates = info_of(network.cell).gates;
  PackedLayer layer = layer_shape(network, l);
  float* const start = frame.floats((layer.ids + 1) * layer.start_row());
  layer.start = start;
  if (layer.ids > 0) {
    fill_table(workers, layer, weights, network.embedding, start);
  } else {
    set_start(layer, weights, start);
    layer.w_ih = pack_blocks(workers, frame, weights.w_ih.as<float>(), gates,
                             {nullptr, layer.hidden, layer.input, layer.input, 1});
  }
  layer.w_hh = pack_blocks(workers, frame, weights.w_hh.as<float>(), gates,
                           {nullptr, layer.hidden, layer.hidden, layer.hidden, 1});
  return layer;
}

PackedDense pack_dense(const Workers& workers, const Scratch::Frame& frame,
                       const DenseWeights& weights) {
  const std::int64_t outputs = weights.weight.shape[0];
  const std::int64_t input = weights.weight.shape[1];
  PackedDense dense{input, outputs, blocks_of(outputs), weights.activation, nullptr, nullptr};
  dense.weight = pack_blocks(workers, frame, weights.weight.as<float>(), 1,
                             {nullptr, outputs, input, input, 1});
  float* const start = frame.floats(dense.blocks * panel_width());
  std::fill_n(start, dense.blocks * panel_width(), 0.0F);
  if (!weights.bias.empty()) {  // added to 0 as matmul() does, which matters to -0
    for (std::int64_t i = 0; i < outputs; ++i) start[i] += weights.bias.as<float>()[i];
  }
  dense.start = start;
  return dense;
}

std::size_t dense_floats(const DenseWeights& weights) {
  const std::int64_t rows = blocks_of(weights.weight.shape[0]) * panel_width();
  return static_cast<std::size_t>(rows * (weights.weight.shape[1] + 1));
}

}  // namespace

GenerationWeights::GenerationWeights(const Workers& workers, const Scratch::Frame& frame,
                                     const GenerationNetwork& network) {
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    layers.push_back(pack_layer(workers, frame, network, l));
  }
  for (const DenseWeights& weights : network.dense) {
    dense.push_back(pack_dense(workers, frame, weights));
  }
  if (network.head != Head::nade) return;
  nade_hidden = pack_dense(workers, frame, network.nade_hidden);
  nade = padded_weights(frame, network.nade_w, network.nade_u);
}

std::size_t GenerationWeights::bytes(const GenerationNetwork& network) {
  std::size_t floats = 0;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const PackedLayer layer = layer_shape(network, l);
    const std::int64_t panels = layer.blocks * panel_width() * info_of(network.cell).gates;
    floats += static_cast<std::size_t>((layer.ids + 1) * layer.start_row() +
                                       panels * (layer.input + layer.hidden));
  }
  for (const DenseWeights& weights : network.dense) floats += dense_floats(weights);
  if (network.head == Head::nade) {
    floats += dense_floats(network.nade_hidden);
    const NadeWeights nade{network.nade_w.shape[0], network.nade_w.shape[1]};
    floats += static_cast<std::size_t>(2 * nade.keys * nade.padded());
  }
  return floats * sizeof(float);
}

}  // namespace cadenza::cpu
