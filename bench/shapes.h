// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace cadenza::bench {

/// The models that every speed is quoted for: embedding [V, H] -> layers of LSTM(H) -> dense [V].
struct RecordModel {
  const char* name;
  std::int64_t hidden;      ///< H
  std::int64_t vocabulary;  ///< V
  int layers;
};

inline constexpr std::array<RecordModel, 3> kRecordModels = {
    {{"S", 256, 128, 2}, {"M", 512, 388, 3}, {"L", 1024, 512, 2}}};

/// Batch and steps of what is computed over whole sequences.
struct SequenceShape {
  std::int64_t batch;
  std::int64_t steps;
};

inline constexpr std::array<SequenceShape, 4> kSequenceShapes = {
    {{32, 64}, {32, 256}, {64, 256}, {256, 256}}};

/// FLOP of the recurrent layers for one token: input and recurrent products of four gates.
constexpr double recurrent_flops(const RecordModel& model) {
  return 2.0 * 8.0 * static_cast<double>(model.hidden * model.hidden) * model.layers;
}

/// FLOP of the whole network for one token; the embedding is a look-up.
constexpr double token_flops(const RecordModel& model) {
  return recurrent_flops(model) + 2.0 * static_cast<double>(model.hidden * model.vocabulary);
}

/// The least FLOP that generate a token, a third of those that train with it: what the first layer makes of an id can be looked up.
constexpr double generation_flops(const RecordModel& model) {
  return token_flops(model) - 2.0 * 4.0 * static_cast<double>(model.hidden * model.hidden);
}

/// Bytes of the weights in fp32 that such a token takes, of which each is used once.
constexpr double generation_bytes(const RecordModel& model) {
  return 4.0 * generation_flops(model) / 2.0;
}

/// Bytes in fp32 of a layer's weights from its own last state.
constexpr double recurrent_bytes(const RecordModel& model) {
  return 4.0 * 4.0 * static_cast<double>(model.hidden * model.hidden);
}

}  // namespace cadenza::bench
