// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cadenza/backend.h"
#include "support/random_tensor.h"

namespace cadenza::test {

/// Rows of a draw that start at `first`, of sequences first, first + 1, ... The parameters cycle
/// with the sequence, so that they are a property of the row.
inline DrawRows make_rows(Device& device, const std::vector<SamplingParams>& params,
                          std::int64_t batch, std::int64_t first = 0) {
  std::vector<RowSampling> packed;
  HostArray sequences = filled({batch}, 0.0, DType::i64);
  HostArray steps = filled({batch}, 0.0, DType::i32);
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t row = first + b;
    packed.push_back(pack(params[static_cast<std::size_t>(row) % params.size()]));
    sequences.values[static_cast<std::size_t>(b)] = static_cast<double>(1000 + row);
    steps.values[static_cast<std::size_t>(b)] = static_cast<double>(row % 7);
  }
  const TensorView bytes =
      device.allocate({batch, static_cast<std::int64_t>(sizeof(RowSampling))}, DType::u8);
  device.backend().upload(std::as_bytes(std::span(packed)), bytes);
  return {
      .seed = 42, .params = bytes, .sequences = device.put(sequences), .steps = device.put(steps)};
}

/// Rows [first, first + count) of an array whose rows are dimension `dimension` (0 or 1).
inline HostArray rows_of(const HostArray& array, std::int64_t first, std::int64_t count,
                         int dimension = 0) {
  const std::int64_t outer = dimension == 0 ? 1 : array.shape[0];
  const std::int64_t rows = array.shape[dimension];
  std::int64_t inner = 1;
  for (int i = dimension + 1; i < array.shape.rank(); ++i) inner *= array.shape[i];
  HostArray result{{}, array.dtype, {}};
  for (std::int64_t o = 0; o < outer; ++o) {
    const auto begin = array.values.begin() + (o * rows + first) * inner;
    result.values.insert(result.values.end(), begin, begin + count * inner);
  }
  switch (array.shape.rank()) {
    case 1:
      result.shape = {count};
      break;
    case 2:
      result.shape = dimension == 0 ? Shape{count, inner} : Shape{outer, count};
      break;
    default:
      result.shape = dimension == 0 ? Shape{count, array.shape[1], array.shape[2]}
                                    : Shape{outer, count, inner};
  }
  return result;
}

/// The arrays of a small network with random weights.
struct NetworkArrays {
  GenerationNetwork::Head head = GenerationNetwork::Head::softmax;
  CellKind cell = CellKind::lstm;
  std::int64_t width = 0;
  Arrays arrays;
  /// As in GenerationNetwork; with attention if there are arrays for it.
  std::vector<std::int64_t> lookback = {};
  int position_bits = 0;
  static constexpr std::int64_t kHidden = 33;
  static constexpr std::int64_t kUnits = 21;
  static constexpr std::int64_t kEmbedding = 10;
  static constexpr std::int64_t kDense = 14;
  static constexpr int kLayers = 2;
  static constexpr std::int64_t kMemory = 7;
};

inline NetworkArrays make_network(GenerationNetwork::Head head, CellKind cell, bool embedding,
                                  std::int64_t width) {
  using N = NetworkArrays;
  NetworkArrays network{head, cell, width, {}};
  RandomArrays random(77);
  const std::int64_t gate_rows = info_of(cell).gates * N::kHidden;
  std::int64_t in = width;
  if (embedding) {
    network.arrays["embedding"] = random.real({width, N::kEmbedding});
    in = N::kEmbedding;
  }
  for (int l = 0; l < N::kLayers; ++l) {
    const std::string layer = std::to_string(l);
    network.arrays["w_ih" + layer] = random.real({gate_rows, in}, -0.5, 0.5);
    network.arrays["w_hh" + layer] = random.real({gate_rows, N::kHidden}, -0.5, 0.5);
    network.arrays["b_ih" + layer] = random.real({gate_rows}, -0.5, 0.5);
    network.arrays["b_hh" + layer] = random.real({gate_rows}, -0.5, 0.5);
    in = N::kHidden;
  }
  network.arrays["dense0"] = random.real({N::kDense, in});
  network.arrays["dense0.bias"] = random.real({N::kDense});
  network.arrays["dense1"] = random.real({width, N::kDense});
  network.arrays["dense1.bias"] = random.real({width});
  if (head == GenerationNetwork::Head::nade) {
    network.arrays["nade_hidden"] = random.real({N::kUnits, N::kDense});
    network.arrays["nade_hidden.bias"] = random.real({N::kUnits});
    network.arrays["nade_w"] = random.real({width, N::kUnits});
    network.arrays["nade_u"] = random.real({width, N::kUnits});
  }
  return network;
}

/// The same network over 29 embedded tokens that looks back in every way.
inline NetworkArrays make_network_that_looks_back(CellKind cell) {
  using N = NetworkArrays;
  NetworkArrays network = make_network(GenerationNetwork::Head::softmax, cell, true, 29);
  network.lookback = {2, 11};
  network.position_bits = 4;
  RandomArrays random(78);
  network.arrays["w_ih0"] =
      random.real({info_of(cell).gates * N::kHidden, 3 * N::kEmbedding + 6}, -0.5, 0.5);
  network.arrays["query"] = random.real({N::kHidden, N::kHidden}, -2.0, 2.0);
  network.arrays["attended"] = random.real({N::kHidden, 2 * N::kHidden});
  network.arrays["attended.bias"] = random.real({N::kHidden});
  return network;
}

inline GenerationNetwork put_network(Device& device, const NetworkArrays& from) {
  GenerationNetwork network;
  network.head = from.head;
  network.width = from.width;
  network.cell = from.cell;
  network.embedding = device.put(from.arrays, "embedding");
  for (int l = 0; l < NetworkArrays::kLayers; ++l) {
    const std::string layer = std::to_string(l);
    network.layers.push_back(
        {device.put(from.arrays, "w_ih" + layer), device.put(from.arrays, "w_hh" + layer),
         device.put(from.arrays, "b_ih" + layer), device.put(from.arrays, "b_hh" + layer)});
  }
  network.dense = {
      {device.put(from.arrays, "dense0"), device.put(from.arrays, "dense0.bias"), Activation::tanh},
      {device.put(from.arrays, "dense1"), device.put(from.arrays, "dense1.bias")}};
  network.nade_hidden = {device.put(from.arrays, "nade_hidden"),
                         device.put(from.arrays, "nade_hidden.bias")};
  network.nade_w = device.put(from.arrays, "nade_w");
  network.nade_u = device.put(from.arrays, "nade_u");
  network.attention = {
      .query = device.put(from.arrays, "query"),
      .output = {device.put(from.arrays, "attended"), device.put(from.arrays, "attended.bias")}};
  network.lookback = from.lookback;
  network.position_bits = from.position_bits;
  return network;
}

/// A generation in progress: everything a call reads and writes.
class Generation {
 public:
  struct Options {
    std::int64_t batch = 3;
    std::int64_t first = 0;  ///< row of a larger batch that this one starts with
    std::vector<SamplingParams> params = {SamplingParams{}};
    std::int64_t window = 0;
    std::int32_t end_token = -1;
    std::vector<double> finished = {};
  };

  Generation(Backend& backend, const NetworkArrays& arrays, const Options& options)
      : device_(backend, DType::f32), options_(options), network_(put_network(device_, arrays)) {
    constexpr std::int64_t kMost = 256;
    RandomArrays random(5);
    const bool tokens = network_.head == GenerationNetwork::Head::softmax;
    const HostArray state =
        random.real({info_of(network_.cell).states, kMost, NetworkArrays::kHidden});
    const HostArray input = random.ids(tokens ? Shape{kMost} : Shape{kMost, network_.width}, 0,
                                       tokens ? network_.width : 2);
    const auto mine = [&](const HostArray& array, int dimension) {
      return rows_of(array, options.first, options.batch, dimension);
    };
    args_.network = &network_;
    for (int l = 0; l < NetworkArrays::kLayers; ++l) {
      args_.states.push_back(device_.put(mine(state, 1)));
    }
    HostArray first_input = mine(input, 0);
    if (!tokens) first_input.dtype = DType::f64;
    args_.input = device_.put(first_input);
    if (network_.looks_back()) {
      args_.position = 5;
      args_.memory = device_.put(
          mine(random.real({NetworkArrays::kMemory, kMost, NetworkArrays::kHidden}), 1));
      args_.history =
          device_.put(mine(random.ids({network_.history_slots(), kMost}, -1, network_.width), 1));
    }
    args_.rows = make_rows(device_, options.params, options.batch, options.first);
    if (options.window > 0) {
      args_.window = device_.put(filled({options.batch, options.window}, -1.0, DType::i32));
    }
    args_.end_token = options.end_token;
    if (!options.finished.empty()) {
      args_.finished = device_.put({{options.batch}, DType::i32, options.finished});
    }
  }

  /// Draws `steps` steps; the outputs lie in args() until the next call.
  void run(std::int64_t steps) {
    if (network_.head == GenerationNetwork::Head::softmax) {
      args_.tokens = device_.allocate({steps, options_.batch}, DType::i32);
    } else {
      args_.frames = device_.allocate({steps, options_.batch, network_.width}, DType::f32);
    }
    args_.log_probability = device_.allocate({steps, options_.batch}, DType::f32);
    device_.backend().generate(args_);
    args_.position += steps;
  }

  /// Tokens or frames.
  HostArray drawn() const {
    return device_.get(args_.tokens.empty() ? args_.frames : args_.tokens);
  }
  HostArray log_probability() const { return device_.get(args_.log_probability); }
  Device& device() { return device_; }
  GenerateArgs& args() { return args_; }
  const GenerationNetwork& network() const { return network_; }

 private:
  Device device_;
  Options options_;
  GenerationNetwork network_;
  GenerateArgs args_;
};

}  // namespace cadenza::test
