// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/backend.h"
#include "cadenza/tape.h"

// Differentiable operations: each allocates its output in the tape's arena, calls the backend and
// records its way back. Letters as in backend.h.

namespace cadenza {

/// Weight and bias of a linear layer: [out, in] and [out], or no bias.
struct LinearParameters {
  Variable* weight = nullptr;
  Variable* bias = nullptr;
};
/// x [N, in] -> [N, out].
Variable& linear(Tape& tape, Variable& x, const LinearParameters& parameters);
/// The same without a way back; x [.., in].
TensorView linear(Tape& tape, const TensorView& x, const LinearParameters& parameters);

Variable& activation(Tape& tape, Variable& x, Activation kind);

/// One dropout of a model in one training step.
struct DropoutPlace {
  double rate = 0.0;  ///< 0: x itself is returned
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint32_t step = 0;
};
Variable& dropout(Tape& tape, Variable& x, const DropoutPlace& place);

/// ids i32 of any shape [..] -> [.., E].
Variable& embedding(Tape& tape, const TensorView& ids, Variable& table);

struct RecurrentParameters {
  Variable* w_ih = nullptr;
  Variable* w_hh = nullptr;
  Variable* b_ih = nullptr;
  Variable* b_hh = nullptr;
};
/// How many steps each row has; absent: all.
struct Lengths {
  TensorView device = {};                   ///< i32 [B]
  std::span<const std::int32_t> host = {};  ///< the same; must live until the way back is done
};
struct RecurrentResult {
  Variable& y;            ///< [T, B, H]
  Variable& final_state;  ///< [S, B, H]
};
/// One layer over x real [T, B, I] (or a constant of i32 ids [T, B]) from `initial_state`
/// [S, B, H]; gradients flow through both states.
RecurrentResult recurrent(Tape& tape, const RecurrentSpec& spec, Variable& x,
                          const Lengths& lengths, Variable& initial_state,
                          const RecurrentParameters& parameters);
/// The same from `state`, which is overwritten with the final one; no gradient flows through it
/// (truncated back-propagation). Returns y.
Variable& recurrent(Tape& tape, const RecurrentSpec& spec, Variable& x, const Lengths& lengths,
                    const TensorView& state, const RecurrentParameters& parameters);

/// How attention() scores, as in AttentionArgs.
struct AttentionScore {
  AttentionKind kind = AttentionKind::dot;
  Variable* v = nullptr;  ///< [A], additive only
  double scale = 1.0;     ///< dot only
};
struct AttentionInputs {
  Variable* queries = nullptr;  ///< [T, B, A]
  Variable* keys = nullptr;     ///< [S, B, A]
  Variable* values = nullptr;   ///< [S, B, E]; may be the keys
  TensorView lengths = {};      ///< i32 [B] of the memory; absent: all S
};
struct AttentionResult {
  Variable& context;   ///< [T, B, E]
  TensorView weights;  ///< [T, B, S], to look at: no gradient flows through it
};
AttentionResult attention(Tape& tape, const AttentionScore& score, const AttentionInputs& inputs);

/// The mean over the steps of each row, [T, B, W] -> [1, B, W].
Variable& mean_over_steps(Tape& tape, Variable& x, const TensorView& lengths);

/// Losses: real [N] of each row; the gradient of sum(weights * loss) * scale goes to the inputs.
TensorView softmax_loss(Tape& tape, Variable& logits, const TensorView& targets,
                        const TensorView& weights, double scale);
TensorView bernoulli_loss(Tape& tape, Variable& logits, const TensorView& targets,
                          const TensorView& weights, double scale);
TensorView squared_loss(Tape& tape, Variable& predictions, const TensorView& targets,
                        const TensorView& weights, double scale);

struct NadeInputs {
  Variable* visible_bias = nullptr;
  Variable* hidden_bias = nullptr;
  Variable* w = nullptr;
  Variable* u = nullptr;
};
TensorView nade_loss(Tape& tape, const NadeInputs& inputs, const TensorView& targets,
                     const TensorView& weights, double scale);

}  // namespace cadenza
