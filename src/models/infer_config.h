// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "cadenza/language_model.h"
#include "cadenza/safetensors.h"

namespace cadenza {

/// A foreign file understood: the architecture, and for each of our parameter names the file's.
struct InferredModel {
  LanguageModelConfig config;
  std::map<std::string, std::string> file_names;
};

/// Recognises a PyTorch state_dict of one nn.LSTM, nn.GRU or nn.RNN (tanh), an optional
/// nn.Embedding and one nn.Linear, under any module names. FormatError says what is missing or
/// ambiguous.
InferredModel infer_model(const SafetensorsReader& file);

}  // namespace cadenza
