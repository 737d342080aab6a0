// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/language_model.h"
#include "nn/recurrent_stack.h"

namespace cadenza {

/// What the first recurrent layer of a language model reads at every step of a batch: real
/// [T, B, input_width + condition_width], or ids i32 [T, B] that stand for one-hot rows.
/// ArgumentError if the batch lacks conditions or what the model looks back on.
Variable& read_input(Tape& tape, const LanguageModelConfig& config, Parameters& parameters,
                     const Batch& batch, const DropoutKey& key);

/// A recurrent layer on its way onto a tape.
struct LayerOnTape {
  Variable& x;
  RecurrentSpec spec;
  RecurrentParameters parameters;
};
/// The first layer of `stack` with its input. In training on a backend that looks ids up, tokens
/// that are only embedded are read as ids, by weights [G*H, V], the product of the layer's own and
/// the embedding, where the batch has more steps than the vocabulary tokens.
LayerOnTape read_by_first_layer(Tape& tape, const LanguageModelConfig& config,
                                Parameters& parameters, const RecurrentStack& stack,
                                const Batch& batch, const DropoutKey& key);

}  // namespace cadenza
