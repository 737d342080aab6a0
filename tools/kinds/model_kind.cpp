// SPDX-License-Identifier: Apache-2.0
#include "tools/kinds/model_kind.h"

#include <algorithm>

#include "cadenza/error.h"

namespace cadenza::tools {

std::span<const ModelKind> model_kinds() {
  static const std::vector<ModelKind> kinds = {
      language_model_kind(), seq2seq_kind(), vae_kind(),      classifier_kind(),
      infiller_kind(),       gan_kind(),     event_gan_kind()};
  return kinds;
}

const ModelKind& model_kind(std::string_view name) {
  std::string known;
  for (const ModelKind& kind : model_kinds()) {
    if (std::find(kind.names.begin(), kind.names.end(), name) != kind.names.end()) return kind;
    for (const std::string_view other : kind.names)
      known += message(known.empty() ? "" : ", ", other);
  }
  throw ArgumentError(message("kind of model is '", name, "', expected one of ", known));
}

const ModelKind& kind_of_file(const std::string& file) {
  const std::string name = read_model_kind(file);
  try {
    return model_kind(name);
  } catch (const ArgumentError& error) {
    throw ArgumentError(message(file, ": ", error.what()));
  }
}

}  // namespace cadenza::tools
