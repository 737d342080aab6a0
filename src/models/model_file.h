// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "cadenza/safetensors.h"

namespace cadenza {

/// What gives the tokens of a model their meaning.
struct ModelMeaning {
  const Tokenizer& tokenizer;
  const Dataset& data;  ///< its pairs, labels and music
};

/// Puts weights, architecture and meaning into `file`.
void add_model(SafetensorsWriter& file, const Model& model, const ModelMeaning& meaning);
/// Fills the parameters of all parts of the model. FormatError as read_weights() of one of them.
void read_all_weights(const SafetensorsReader& file, Model& model);

}  // namespace cadenza
