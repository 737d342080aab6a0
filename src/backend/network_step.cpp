// SPDX-License-Identifier: Apache-2.0
#include "backend/network_step.h"

#include "core/position_bits.h"

namespace cadenza {
namespace {

std::int64_t number_count(const GenerationNetwork& network) {
  return static_cast<std::int64_t>(network.lookback.size()) + network.position_bits;
}

/// Columns of one embedded token, or of a frame.
std::int64_t step_width(const GenerationNetwork& network) {
  return network.embedding.empty() ? network.width : network.embedding.shape[1];
}

/// Where something of step `position` lies in a ring of `slots`; it may be from before the first.
std::int64_t slot_of(std::int64_t position, std::int64_t slots) {
  return (position + slots) % slots;
}

}  // namespace

NetworkStep::NetworkStep(Backend& backend, const GenerationNetwork& network, std::int64_t batch)
    : backend_(backend), network_(network) {
  const auto make = [&](const Shape& shape) { return Tensor(backend, shape, DType::f32); };
  if (!network.embedding.empty()) embedded_ = make({batch, step_width(network)});
  if (number_count(network) > 0) {
    numbers_ = make({batch, number_count(network)});
    joined_ = make({batch, input_width(network)});
  }
  if (network.attention.query.empty()) return;
  const std::int64_t hidden = network.attention.query.shape[0];
  query_ = make({1, batch, hidden});
  context_ = make({1, batch, hidden});
  both_ = make({batch, 2 * hidden});
  attended_ = make({batch, hidden});
}

std::int64_t NetworkStep::input_width(const GenerationNetwork& network) {
  const auto tokens = 1 + static_cast<std::int64_t>(network.lookback.size());
  return step_width(network) * tokens + number_count(network);
}

std::int64_t NetworkStep::floats_per_row(const GenerationNetwork& network) {
  std::int64_t floats = network.embedding.empty() ? 0 : network.embedding.shape[1];
  if (number_count(network) > 0) floats += number_count(network) + input_width(network);
  if (!network.attention.query.empty()) floats += 5 * network.attention.query.shape[0];
  return floats;
}

TensorView NetworkStep::run(const TensorView& input, const NetworkRows& rows,
                            std::int64_t position) {
  TensorView x = read(input, rows.history, position);
  std::int64_t width = input_width(network_);
  for (std::size_t l = 0; l < rows.states.size(); ++l) {
    const TensorView& state = rows.states[l];
    backend_.recurrent_step({network_.cell, width, state.shape[2]},
                            {.x = x, .state = state, .weights = network_.layers[l]});
    x = state.at(0);
    width = state.shape[2];
    if (l == 0 && !network_.attention.query.empty()) x = attend(x, rows.memory, position);
  }
  return x;
}

TensorView NetworkStep::read(const TensorView& input, const TensorView& history,
                             std::int64_t position) {
  if (network_.embedding.empty() && number_count(network_) == 0) return input;
  const std::int64_t width = step_width(network_);
  std::int64_t column = 0;
  const auto join = [&](const TensorView& part, std::int64_t count) {
    backend_.copy_columns({.x = part, .y = joined_, .y_begin = column, .count = count});
    column += count;
  };
  const auto embed = [&](const TensorView& ids) {
    backend_.embedding({.ids = ids, .table = network_.embedding, .y = embedded_});
    return embedded_.view();
  };
  const TensorView step = network_.embedding.empty() ? input : embed(input);
  if (number_count(network_) == 0) return step;
  join(step, width);
  for (const std::int64_t distance : network_.lookback) {
    join(embed(history.at(slot_of(position - distance, history.shape[0]))), width);
  }
  const std::vector<float> values = numbers(history, position);
  backend_.upload(std::as_bytes(std::span(values)), numbers_);
  join(numbers_, number_count(network_));
  return joined_;
}

std::vector<float> NetworkStep::numbers(const TensorView& history, std::int64_t position) const {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(history.count()));
  if (!tokens.empty()) {
    backend_.download(history, std::as_writable_bytes(std::span(tokens)));
  }
  const std::int64_t rows = numbers_.view().shape[0];
  const auto token = [&](std::int64_t number, std::int64_t row) {
    const std::int64_t slot = slot_of(number, history.shape[0]);
    return tokens[static_cast<std::size_t>(slot * rows + row)];
  };
  std::vector<float> values;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (const std::int64_t distance : network_.lookback) {
      const std::int32_t last = token(position - 1, row);
      const bool again = last >= 0 && last == token(position - 1 - distance, row);
      values.push_back(again ? 1.0F : 0.0F);
    }
    for (int bit = 0; bit < network_.position_bits; ++bit) {
      values.push_back(position_bit(position, bit));
    }
  }
  return values;
}

TensorView NetworkStep::attend(const TensorView& h, const TensorView& memory,
                               std::int64_t position) {
  const std::int64_t batch = h.shape[0];
  const std::int64_t hidden = h.shape[1];
  const std::int64_t slots = memory.shape[0];
  if (weights_.view().empty() || weights_.view().shape[2] != slots) {
    weights_ = Tensor(backend_, {1, batch, slots}, DType::f32);
  }
  backend_.matmul({.a = h,
                   .b = network_.attention.query,
                   .c = query_.view().at(0),
                   .transpose_b = Transpose::yes,
                   .order = SumOrder::fixed});
  backend_.attention({.queries = query_,
                      .keys = memory,
                      .values = memory,
                      .context = context_,
                      .weights = weights_});
  backend_.copy(h, memory.at(position % slots));
  backend_.copy_columns({.x = context_.view().at(0), .y = both_, .count = hidden});
  backend_.copy_columns({.x = h, .y = both_, .y_begin = hidden, .count = hidden});
  backend_.matmul({.a = both_,
                   .b = network_.attention.output.weight,
                   .c = attended_,
                   .transpose_b = Transpose::yes,
                   .bias = network_.attention.output.bias,
                   .order = SumOrder::fixed});
  return attended_;
}

}  // namespace cadenza
