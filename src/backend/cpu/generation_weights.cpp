// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/generation_weights.h"

#include <algorithm>

#include "backend/cpu/cells.h"
#include "cadenza/error.h"

namespace cadenza::cpu {
namespace {

using Head = GenerationNetwork::Head;

std::int64_t blocks_of(std::int64_t units) { return (units + panel_width() - 1) / panel_width(); }

/// Panels [blocks, matrices, K, W] of `matrices` matrices [units, K] that lie one below the other.
PackedMatrix pack_blocks(const Workers& workers, const Scratch::Frame& frame, Precision format,
                         const float* from, std::int64_t matrices, const Shape& shape) {
  const std::int64_t units = shape[0];
  const std::int64_t depth = shape[1];
  check(format != Precision::int24 || depth <= kMostInt24Depth, "int24: a product sums ", depth,
        " weights, expected at most ", kMostInt24Depth, "; fp32 sums any number");
  const std::int64_t width = panel_width();
  const std::int64_t panels = blocks_of(units) * matrices;
  const std::int64_t size = panel_bytes(format, depth);
  auto* const packed = frame.take<std::byte>(panels * size);
  float* const steps = of_integers(format) ? frame.floats(panels * width) : nullptr;
  const std::int64_t offset_size = offset_rows(format) * width;
  auto* const offsets =
      of_integers(format) ? frame.take<std::int32_t>(panels * offset_size) : nullptr;
  workers.pool.parallel_for(
      panels, worth_a_thread(8 * depth * width), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t panel = begin; panel < end; ++panel) {
          const std::int64_t first = panel / matrices * width;
          const std::int64_t count = std::min(width, units - first);
          const float* const weights = from + (panel % matrices * units + first) * depth;
          std::byte* const to = packed + panel * size;
          if (format == Precision::fp32) {
            kPanelGemm.pack({weights, depth, count, 1, depth}, to);
          } else {
            pack_narrow_panel(format, {weights, count, depth}, to,
                              steps == nullptr ? nullptr : steps + panel * width,
                              offsets == nullptr ? nullptr : offsets + panel * offset_size);
          }
        }
      });
  return {format, depth, packed, steps, offsets};
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

/// table [V + 1, blocks, sums, W]: what the sums of each id start from, one-hot or embedded.
void fill_table(const Workers& workers, Precision format, const PackedLayer& layer,
                const RecurrentWeights& weights, const TensorView& embedding, float* table) {
  const std::int64_t width = panel_width();
  const std::int64_t gates = info_of(layer.cell).gates;
  const std::int64_t joined = kCellLayouts[static_cast<std::size_t>(layer.cell)].joined;
  const std::int64_t row_size = layer.start_row();
  const std::int64_t depth = weights.w_ih.shape[1];
  const auto* w_ih = weights.w_ih.as<float>();
  const Scratch::Frame frame(workers.scratch);
  set_start(layer, weights, table + layer.ids * row_size);
  PackedMatrix packed;
  Factors rows;
  if (!embedding.empty()) {
    packed = pack_blocks(workers, frame, format, w_ih, gates, {layer.hidden, depth});
    float* const x = frame.floats((layer.ids + 1) * depth);  // id -1 is a row of zeros
    std::fill_n(std::copy_n(embedding.as<float>(), layer.ids * depth, x), depth, 0.0F);
    rows = encode_rows(workers, frame, format, {x, layer.ids + 1, depth, depth, 1});
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
          if (rows.data != nullptr) {
            add_products(packed, rows, layer.ids + 1, i, out, row_size);
            continue;
          }
          const std::int64_t units = std::min(width, layer.hidden - block * width);
          add_transposed(
              {w_ih + (gate * layer.hidden + block * width) * depth, units, depth, depth, 1}, out,
              row_size);
        }
      });
}

/// A layer but for its memory.
PackedLayer layer_shape(CellKind cell, const RecurrentWeights& weights, std::int64_t ids) {
  PackedLayer layer{.cell = cell, .hidden = weights.w_hh.shape[1], .ids = ids};
  layer.blocks = blocks_of(layer.hidden);
  layer.input = ids > 0 ? 0 : weights.w_ih.shape[1];
  return layer;
}

/// Ids that layer `l` of the network reads.
std::int64_t ids_of(const GenerationNetwork& network, std::size_t l) {
  return l == 0 && network.head == Head::softmax ? network.width : 0;
}

std::size_t matrix_bytes(Precision format, std::int64_t panels, std::int64_t depth) {
  const std::int64_t steps =
      of_integers(format) ? 4 * (1 + offset_rows(format)) * panels * panel_width() : 0;
  return static_cast<std::size_t>(panels * panel_bytes(format, depth) + steps);
}

std::size_t dense_bytes(Precision format, const DenseWeights& weights) {
  const std::int64_t blocks = blocks_of(weights.weight.shape[0]);
  return matrix_bytes(format, blocks, weights.weight.shape[1]) +
         static_cast<std::size_t>(blocks * panel_width()) * sizeof(float);
}

}  // namespace

PackedLayer pack_layer(const Workers& workers, const Scratch::Frame& frame, Precision format,
                       CellKind cell, const RecurrentWeights& weights, std::int64_t ids,
                       const TensorView& embedding) {
  const std::int64_t gates = info_of(cell).gates;
  PackedLayer layer = layer_shape(cell, weights, ids);
  float* const start = frame.floats((layer.ids + 1) * layer.start_row());
  layer.start = start;
  if (layer.ids > 0) {
    fill_table(workers, format, layer, weights, embedding, start);
  } else {
    set_start(layer, weights, start);
    layer.w_ih = pack_blocks(workers, frame, format, weights.w_ih.as<float>(), gates,
                             {layer.hidden, layer.input});
  }
  layer.w_hh = pack_blocks(workers, frame, format, weights.w_hh.as<float>(), gates,
                           {layer.hidden, layer.hidden});
  return layer;
}

PackedDense pack_dense(const Workers& workers, const Scratch::Frame& frame, Precision format,
                       const DenseWeights& weights) {
  const std::int64_t outputs = weights.weight.shape[0];
  const std::int64_t input = weights.weight.shape[1];
  PackedDense dense{input, outputs, blocks_of(outputs), weights.activation, {}, nullptr};
  dense.weight =
      pack_blocks(workers, frame, format, weights.weight.as<float>(), 1, {outputs, input});
  float* const start = frame.floats(dense.blocks * panel_width());
  std::fill_n(start, dense.blocks * panel_width(), 0.0F);
  if (!weights.bias.empty()) {  // added to 0 as matmul() does, which matters to -0
    for (std::int64_t i = 0; i < outputs; ++i) start[i] += weights.bias.as<float>()[i];
  }
  dense.start = start;
  return dense;
}

GenerationWeights::GenerationWeights(const Workers& workers, const Scratch::Frame& frame,
                                     const GenerationNetwork& network, Precision precision)
    : format(precision) {
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    layers.push_back(pack_layer(workers, frame, format, network.cell, network.layers[l],
                                ids_of(network, l), network.embedding));
  }
  for (const DenseWeights& weights : network.dense) {
    dense.push_back(pack_dense(workers, frame, format, weights));
  }
  if (network.head != Head::nade) return;
  nade_hidden = pack_dense(workers, frame, format, network.nade_hidden);
  nade = padded_weights(frame, network.nade_w, network.nade_u);
}

std::size_t GenerationWeights::bytes(const GenerationNetwork& network, Precision format) {
  std::size_t bytes = 0;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const PackedLayer layer = layer_shape(network.cell, network.layers[l], ids_of(network, l));
    const std::int64_t panels = layer.blocks * info_of(network.cell).gates;
    bytes += static_cast<std::size_t>((layer.ids + 1) * layer.start_row()) * sizeof(float) +
             matrix_bytes(format, panels, layer.hidden);
    if (layer.input > 0) bytes += matrix_bytes(format, panels, layer.input);
  }
  for (const DenseWeights& weights : network.dense) bytes += dense_bytes(format, weights);
  if (network.head == Head::nade) {
    bytes += dense_bytes(format, network.nade_hidden);
    const NadeWeights nade{network.nade_w.shape[0], network.nade_w.shape[1]};
    bytes += static_cast<std::size_t>(2 * nade.keys * nade.padded()) * sizeof(float);
  }
  return bytes;
}

}  // namespace cadenza::cpu
