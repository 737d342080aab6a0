// SPDX-License-Identifier: Apache-2.0
#include "models/model_json.h"

#include <nlohmann/json.hpp>

#include "cadenza/error.h"

namespace cadenza {

std::string to_json(const LanguageModelConfig& config) {
  nlohmann::ordered_json json = {{"kind", "lm"},
                                 {"head", name_of(config.head)},
                                 {"width", config.width},
                                 {"embedding", config.embedding},
                                 {"cell", info_of(config.cell).name},
                                 {"layers", config.layers},
                                 {"hidden", config.hidden},
                                 {"dropout", config.dropout},
                                 {"input_dropout", config.input_dropout},
                                 {"forget_bias", config.forget_bias},
                                 {"dense", nlohmann::ordered_json::array()}};
  for (const DenseConfig& layer : config.dense) {
    json["dense"].push_back({{"units", layer.units}, {"activation", name_of(layer.activation)}});
  }
  if (config.head == Head::nade) json["nade_hidden"] = config.nade_hidden;
  return json.dump();
}

LanguageModelConfig config_from_json(const std::string& text, const std::string& origin) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto kind = json.at("kind").get<std::string>();
    check(kind == "lm", "kind of model is '", kind, "', this version knows 'lm'");
    LanguageModelConfig config;
    config.head = parse_head(json.at("head").get<std::string>());
    config.width = json.at("width").get<int>();
    config.embedding = json.at("embedding").get<int>();
    config.cell = parse_cell(json.at("cell").get<std::string>());
    config.layers = json.at("layers").get<int>();
    config.hidden = json.at("hidden").get<int>();
    config.dropout = json.at("dropout").get<double>();
    config.input_dropout = json.at("input_dropout").get<double>();
    config.forget_bias = json.at("forget_bias").get<double>();
    for (const auto& layer : json.at("dense")) {
      config.dense.push_back({layer.at("units").get<int>(),
                              parse_activation(layer.at("activation").get<std::string>())});
    }
    if (config.head == Head::nade) config.nade_hidden = json.at("nade_hidden").get<int>();
    config.validate();
    return config;
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(message(origin, ": model description: ", error.what()), 8);
  } catch (const ArgumentError& error) {
    throw FormatError(message(origin, ": model description: ", error.what()), 8);
  }
}

}  // namespace cadenza
