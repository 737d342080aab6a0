// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "arguments.h"
#include "cadenza/language_model.h"
#include "compute.h"

namespace cadenza::tools {

/// --model and --tokenizer: a model to read.
struct ModelOptions {
  std::string file;
  std::string tokenizer;
};

void add_model_options(Arguments& arguments, ModelOptions& options);
/// Whether a model of this kind, as read_model_kind() tells it, writes pieces into codes.
bool has_codes(const std::string& kind);
/// FileError, FormatError or ArgumentError as load_model gives them.
LoadedModel open_model(const ModelOptions& options, Backend& backend);

}  // namespace cadenza::tools
