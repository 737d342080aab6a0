// SPDX-License-Identifier: Apache-2.0
#include "model_options.h"

#include "cadenza/error.h"

namespace cadenza::tools {

void add_model_options(Arguments& arguments, ModelOptions& options) {
  arguments.add("--model", options.file, "the model file, for example run/model.safetensors");
  arguments.add("--tokenizer", options.tokenizer,
                "NAME[:SETTINGS] for a model file that does not name one, such as PyTorch's");
}

bool has_codes(const std::string& kind) { return kind == "vae" || kind == "autoencoder"; }

LoadedModel open_model(const ModelOptions& options, Backend& backend) {
  const std::string kind = read_model_kind(options.file);
  check(kind == "lm", options.file, ": is a ", kind,
        " model, which needs music to start from: see cadenza transform --help");
  const std::size_t colon = options.tokenizer.find(':');
  return load_model(options.file, backend, options.tokenizer.substr(0, colon),
                    colon == std::string::npos ? "" : options.tokenizer.substr(colon + 1));
}

}  // namespace cadenza::tools
