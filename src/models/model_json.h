// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cadenza/classifier.h"
#include "cadenza/language_model.h"
#include "cadenza/seq2seq.h"
#include "cadenza/vae.h"

namespace cadenza {

/// The architecture as it stands in a model file's metadata under "model".
std::string to_json(const LanguageModelConfig& config);
std::string to_json(const Seq2SeqConfig& config);
std::string to_json(const VaeConfig& config);
std::string to_json(const ClassifierConfig& config);
/// "lm", "seq2seq", "vae", "autoencoder" or "classifier", as such a text says. FormatError as
/// below.
std::string kind_from_json(const std::string& text, const std::string& origin);
/// FormatError naming `origin` for anything missing, of another type or out of range.
LanguageModelConfig config_from_json(const std::string& text, const std::string& origin);
Seq2SeqConfig seq2seq_config_from_json(const std::string& text, const std::string& origin);
VaeConfig vae_config_from_json(const std::string& text, const std::string& origin);
ClassifierConfig classifier_config_from_json(const std::string& text, const std::string& origin);

}  // namespace cadenza
