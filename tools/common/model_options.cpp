// SPDX-License-Identifier: Apache-2.0
#include "tools/common/model_options.h"

namespace cadenza::tools {

void add_model_options(Arguments& arguments, ModelOptions& options) {
  arguments.add("--model", options.file, "the model file, for example run/model.safetensors");
  arguments.add("--tokenizer", options.tokenizer,
                "NAME[:SETTINGS] for a model file that does not name one, such as PyTorch's");
}

std::pair<std::string, std::string> split_tokenizer(const std::string& text) {
  const std::size_t colon = text.find(':');
  return {text.substr(0, colon), colon == std::string::npos ? "" : text.substr(colon + 1)};
}

LoadedModel open_model(const ModelOptions& options, Backend& backend) {
  const auto [tokenizer, settings] = split_tokenizer(options.tokenizer);
  return load_model(options.file, backend, tokenizer, settings);
}

}  // namespace cadenza::tools
