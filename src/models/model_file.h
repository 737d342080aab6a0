// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/language_model.h"
#include "cadenza/safetensors.h"

namespace cadenza {

/// Puts weights, architecture and tokenizer into `file`.
void add_model(SafetensorsWriter& file, const LanguageModel& model, const Tokenizer& tokenizer);
/// Fills the model's parameters from a file of the same architecture. FormatError names an array
/// that is missing or of another shape.
void read_weights(const SafetensorsReader& file, LanguageModel& model);

}  // namespace cadenza
