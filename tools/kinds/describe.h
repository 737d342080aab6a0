// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/dataset.h"
#include "io/json.h"

namespace cadenza::tools {

/// What `cadenza info` says of what the sources of pairs mean.
nlohmann::ordered_json describe_pairs(const PairInfo& pairs);

/// What it says of a model file of any kind: the architecture as it stands there, `more` (which
/// replaces what has the same key), how large the model is, what its tokens mean, and how far its
/// training went.
template <typename ModelInfo>
nlohmann::ordered_json describe_model(const ModelInfo& info,
                                      const nlohmann::ordered_json& more = {}) {
  nlohmann::ordered_json out = {{"kind", "model"}};
  const auto architecture = parse_ordered_json(to_json(info.config));
  for (const auto& [key, value] : architecture.items()) out[key == "kind" ? "model" : key] = value;
  for (const auto& [key, value] : more.items()) out[key] = value;
  out["parameters"] = info.parameter_count;
  out["tokenizer"] = info.tokenizer_name;
  out["tokenizer_settings"] = info.tokenizer_settings;
  if (!info.training.empty()) out["training"] = parse_ordered_json(info.training);
  return out;
}

}  // namespace cadenza::tools
