// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/language_model.h"

namespace cadenza {

/// What the first recurrent layer of a language model reads at every step of a batch: real
/// [T, B, input_width + condition_width], or ids i32 [T, B] that stand for one-hot rows.
/// ArgumentError if the batch lacks conditions or what the model looks back on.
Variable& read_input(Tape& tape, const LanguageModelConfig& config, Parameters& parameters,
                     const Batch& batch, const DropoutKey& key);

}  // namespace cadenza
