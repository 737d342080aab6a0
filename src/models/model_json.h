// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cadenza/language_model.h"

namespace cadenza {

/// The architecture as it stands in a model file's metadata under "model".
std::string to_json(const LanguageModelConfig& config);
/// FormatError naming `origin` for anything missing, of another type or out of range.
LanguageModelConfig config_from_json(const std::string& text, const std::string& origin);

}  // namespace cadenza
