// SPDX-License-Identifier: Apache-2.0
#include "models/infer_config.h"

#include <vector>

#include "cadenza/error.h"

namespace cadenza {
namespace {

constexpr std::string_view kFirstLayer = "weight_ih_l0";

[[noreturn]] void refuse(const SafetensorsReader& file, const std::string& why) {
  throw FormatError(message(file.origin(), ": not a model of cadenza and not understood as a ",
                            "PyTorch state_dict: ", why),
                    0);
}

// Module path (with its dot) of the only recurrent module.
std::string find_recurrent_prefix(const SafetensorsReader& file) {
  std::vector<std::string> prefixes;
  for (const auto& [name, array] : file.arrays()) {
    if (name.ends_with("_reverse")) refuse(file, message(name, " is bidirectional"));
    if (name.find("weight_hr_l") != std::string::npos) refuse(file, message(name, " projects"));
    if (name.ends_with(kFirstLayer)) {
      prefixes.push_back(name.substr(0, name.size() - kFirstLayer.size()));
    }
  }
  if (prefixes.empty()) refuse(file, "no array is named ...weight_ih_l0");
  if (prefixes.size() > 1) refuse(file, "several arrays are named ...weight_ih_l0");
  return prefixes[0];
}

CellKind cell_of(const SafetensorsReader& file, std::int64_t rows, std::int64_t hidden) {
  for (const CellInfo& cell : cells()) {
    if (hidden > 0 && rows == cell.gates * hidden) return cell.kind;
  }
  refuse(file, message("weight_ih_l0 has ", rows, " rows for ", hidden, " hidden units"));
}

const FileArray& matrix(const SafetensorsReader& file, const std::string& name) {
  const FileArray& array = file.at(name);
  if (array.shape.size() != 2 || array.shape[0] > (1 << 26) || array.shape[1] > (1 << 26)) {
    refuse(file, message(name, " is not a matrix"));
  }
  return array;
}

}  // namespace

InferredModel infer_model(const SafetensorsReader& file) {
  const std::string prefix = find_recurrent_prefix(file);
  InferredModel inferred;
  LanguageModelConfig& config = inferred.config;
  const FileArray& input = matrix(file, prefix + "weight_ih_l0");
  const FileArray& recurrent = matrix(file, prefix + "weight_hh_l0");
  config.hidden = static_cast<int>(recurrent.shape[1]);
  config.cell = cell_of(file, input.shape[0], config.hidden);
  config.layers = 0;
  while (file.contains(message(prefix, "weight_ih_l", config.layers))) {
    for (const std::string_view part : {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}) {
      const std::string name = message(part, "_l", config.layers);
      inferred.file_names[message(info_of(config.cell).module, ".", name)] = prefix + name;
    }
    ++config.layers;
  }

  std::string embedding;
  std::string output;
  for (const auto& [name, array] : file.arrays()) {
    if (name.starts_with(prefix) && name.find("_l", prefix.size()) != std::string::npos) continue;
    if (!name.ends_with("weight") || array.shape.size() != 2) continue;
    const std::string stem = name.substr(0, name.size() - std::string_view("weight").size());
    std::string& slot = file.contains(stem + "bias") ? output : embedding;
    if (!slot.empty()) refuse(file, message("both ", slot, " and ", name, " could be one layer"));
    slot = name;
  }
  if (output.empty()) refuse(file, "no linear output layer (a weight matrix with its bias)");
  const std::string output_bias =
      output.substr(0, output.size() - std::string_view("weight").size()) + "bias";
  config.width = static_cast<int>(matrix(file, output).shape[0]);
  inferred.file_names["output.weight"] = output;
  inferred.file_names["output.bias"] = output_bias;
  if (!embedding.empty()) {
    config.embedding = static_cast<int>(matrix(file, embedding).shape[1]);
    inferred.file_names["embedding.weight"] = embedding;
  }
  try {
    config.validate();
  } catch (const ArgumentError& error) {
    refuse(file, error.what());
  }
  return inferred;
}

}  // namespace cadenza
