// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cadenza/event_gan.h"
#include "nn/recurrent_stack.h"

namespace cadenza {

RecurrentStack generator_of(const EventGanConfig& config);
RecurrentStack discriminator_of(const EventGanConfig& config);

inline constexpr int kEventWidth = 4;

/// The generator on one tape.
class EventMaker {
 public:
  EventMaker(Tape& tape, const EventGanConfig& config, Parameters& parameters);
  /// What follows on true events: inputs [T, B, I], the event before beside noise where it is read,
  /// give [T, B, 4].
  Variable& follow(Variable& inputs);
  /// What follows on its own: noise [T, B, Z] -> [T, B, 4].
  Variable& make(const TensorView& noise);

 private:
  Variable& run(Variable& inputs, std::vector<Variable*>& states);
  std::vector<Variable*> first_states(std::int64_t rows);

  Tape& tape_;
  const EventGanConfig& config_;
  RecurrentLayers layers_;
  LinearParameters output_;
};

/// What the discriminator finds in events.
struct Verdict {
  Variable& features;  ///< [T, B, 2H], zeros beyond the lengths
  Variable& words;     ///< [T * B, 1]
};
/// Of events [T, B, 4] with lengths [B], which must live until the way back is done.
Verdict judge(Tape& tape, const EventGanConfig& config, Parameters& parameters, Variable& events,
              std::span<const std::int32_t> lengths);

/// The music of pieces of tokens as events side by side: frames of width 4, and as input the event
/// before. Pieces without a note are left out.
Batch event_batch(const Batch& tokens, const Tokenizer& tokenizer, int most);
Batch event_batch(std::span<const std::vector<NoteEvent>> pieces, int most);

}  // namespace cadenza
