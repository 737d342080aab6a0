// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cadenza/seq2seq.h"
#include "cadenza/tape.h"
#include "models/seq2seq_pass.h"

namespace cadenza {

/// Rows of targets in the making, each from a source of its own, moved on token by token.
class DecoderRows {
 public:
  /// Reads the sources; the sequences need not outlive the call.
  DecoderRows(Seq2Seq& model, std::span<const Sequence* const> sources);
  DecoderRows(const DecoderRows&) = delete;
  DecoderRows& operator=(const DecoderRows&) = delete;

  std::int64_t count() const { return static_cast<std::int64_t>(lengths_.size()); }
  /// Row r takes the place of row from[r] (of the same source) and reads tokens[r]; -1 at the
  /// start. Logits real [R, width + 1], valid until the next call.
  TensorView step(const std::vector<std::int32_t>& from, const std::vector<std::int32_t>& tokens);

 private:
  Seq2Seq& model_;
  std::vector<std::int32_t> lengths_;
  Arena memory_arena_;
  Arena step_arena_;
  Tape memory_tape_;
  Seq2SeqPass::Memory memory_;
  std::vector<Tensor> layers_;  // [S, R, H] each
  std::vector<Tensor> feed_;    // [1, R, H], or none
};

}  // namespace cadenza
