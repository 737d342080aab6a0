// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cadenza/seq2seq.h"
#include "nn/recurrent_stack.h"

namespace cadenza {

RecurrentStack encoder_of(const Seq2SeqConfig& config);
RecurrentStack decoder_of(const Seq2SeqConfig& config);

/// Encoder and decoder of one model on one tape: what the loss and the search for a target share.
class Seq2SeqPass {
 public:
  Seq2SeqPass(Tape& tape, const Seq2SeqConfig& config, Parameters& parameters,
              const DropoutKey& key);

  struct Sources {
    std::int64_t steps = 0;
    std::span<const std::int32_t> ids;      ///< [S, B]
    std::span<const std::int32_t> lengths;  ///< [B]; must live until the way back is done
  };
  /// What attention looks at; absent without it.
  struct Memory {
    Variable* keys = nullptr;    ///< [S, B, H]
    Variable* values = nullptr;  ///< [S, B, H]
    TensorView lengths = {};     ///< i32 [B]
  };
  /// Where a decoder stands.
  struct State {
    std::vector<Variable*> layers;  ///< [S, B, H] each
    Variable* feed = nullptr;       ///< [1, B, H], only with input feeding
  };
  struct Encoded {
    Memory memory;
    State state;
  };
  Encoded encode(const Sources& sources);

  /// Target ids i32 [..] as vectors, without dropout.
  Variable& embed(const TensorView& ids);
  /// Dropout of embedded target tokens [T, B, E], of which the first is of step `t`.
  Variable& drop_input(Variable& x, std::int64_t t);
  /// Steps x [T, B, E] of the decoder, the first of which is step `t`; with input feeding T is 1.
  /// Gives what logits() reads, [T, B, H], and moves `state` on.
  Variable& decode(Variable& x, const Memory& memory, State& state, std::int64_t t);
  /// [T, B, H] -> [T * B, width + 1].
  Variable& logits(Variable& features);
  /// The same without a way back.
  TensorView logits(const TensorView& features);

 private:
  DropoutPlace place(double rate, int which, std::int64_t t = 0) const;
  Variable& attend(Variable& h, const Memory& memory);
  TensorView zeros(const Shape& shape);

  Tape& tape_;
  const Seq2SeqConfig& config_;
  Parameters& parameters_;
  DropoutKey key_;
  RecurrentLayers decoder_;
  Variable& embedding_;
  LinearParameters output_;
  LinearParameters query_;     // absent for none and dot
  LinearParameters combine_;   // absent for none
  Variable* score_ = nullptr;  // v, additive only
};

}  // namespace cadenza
