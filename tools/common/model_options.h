// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "cadenza/language_model.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"

namespace cadenza::tools {

/// --model and --tokenizer: a model to read.
struct ModelOptions {
  std::string file;
  std::string tokenizer;
};

void add_model_options(Arguments& arguments, ModelOptions& options);
/// "NAME[:SETTINGS]" of a tokenizer as name and settings.
std::pair<std::string, std::string> split_tokenizer(const std::string& text);
/// A language model. FileError, FormatError or ArgumentError as load_model gives them.
LoadedModel open_model(const ModelOptions& options, Backend& backend);

}  // namespace cadenza::tools
