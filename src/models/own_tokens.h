// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cadenza/model.h"
#include "cadenza/tape.h"
#include "nn/token_draws.h"

namespace cadenza {

/// Scheduled sampling (Bengio et al. 2015) in one training step: the share of tokens that a decoder
/// drew itself and reads in place of true ones is `share` * (1 - k / (k + exp(update / k))).
struct OwnTokensRate {
  double share = 0.0;
  double slope = 1.0;  ///< k
};

/// What a decoder of `rows` rows reads instead of true tokens.
class OwnTokens {
 public:
  OwnTokens(Tape& tape, const OwnTokensRate& rate, std::int64_t rows, const DropoutKey& key);
  bool any() const { return share_ > 0.0; }
  /// Tokens drawn from what was predicted at step t.
  TensorView draw(const TensorView& logits, std::int64_t t);
  /// In a stack of B true rows and B drawn ones, those that step t reads.
  TensorView choose(std::int64_t t);

 private:
  Tape& tape_;
  std::int64_t rows_;
  DropoutKey key_;
  double share_;
  std::optional<TokenDraws> draws_;  // absent if the share is 0
};

/// The parts of a decoder that goes step by step.
struct StepDecoder {
  std::function<Variable&(const TensorView& ids)> embed;         ///< i32 [B] -> [B, E]
  std::function<Variable&(Variable& x, std::int64_t t)> decode;  ///< [1, B, E] -> [1, B, H]
  std::function<TensorView(const TensorView& features)> logits;  ///< [1, B, H] -> [B, V]
};
/// Decodes true tokens [T, B, E], some of them replaced by own ones: [T, B, H].
Variable& decode_stepwise(Tape& tape, Variable& truth, OwnTokens& own, const StepDecoder& decoder);

}  // namespace cadenza
