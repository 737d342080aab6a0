// SPDX-License-Identifier: Apache-2.0
#include "models/model_json.h"

#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "io/json_integer.h"

namespace cadenza {
namespace {

// read(json) of the parsed text; whatever is wrong with it is wrong with the file.
template <typename Read>
auto read_description(const std::string& text, const std::string& origin, const Read& read) {
  try {
    return read(nlohmann::json::parse(text));
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(message(origin, ": model description: ", error.what()), 8);
  } catch (const ArgumentError& error) {
    throw FormatError(message(origin, ": model description: ", error.what()), 8);
  }
}

void check_kind(const nlohmann::json& json, std::string_view expected) {
  const auto kind = json.at("kind").get<std::string>();
  check(kind == expected, "kind of model is '", kind, "', expected '", expected, "'");
}

}  // namespace

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
  if (config.labels > 0) {
    json["labels"] = config.labels;
    json["label_embedding"] = config.label_embedding;
  }
  return json.dump();
}

std::string to_json(const Seq2SeqConfig& config) {
  const nlohmann::ordered_json json = {{"kind", "seq2seq"},
                                       {"source_width", config.source_width},
                                       {"width", config.width},
                                       {"embedding", config.embedding},
                                       {"cell", info_of(config.cell).name},
                                       {"encoder_layers", config.encoder_layers},
                                       {"layers", config.layers},
                                       {"hidden", config.hidden},
                                       {"attention", name_of(config.attention)},
                                       {"input_feeding", config.input_feeding == InputFeeding::yes},
                                       {"dropout", config.dropout},
                                       {"input_dropout", config.input_dropout},
                                       {"forget_bias", config.forget_bias},
                                       {"own_tokens", config.own_tokens},
                                       {"own_tokens_slope", config.own_tokens_slope}};
  return json.dump();
}

std::string to_json(const VaeConfig& config) {
  const bool variational = config.variational == Variational::yes;
  nlohmann::ordered_json json = {{"kind", variational ? "vae" : "autoencoder"},
                                 {"width", config.width},
                                 {"steps", config.steps},
                                 {"embedding", config.embedding},
                                 {"cell", info_of(config.cell).name},
                                 {"encoder_layers", config.encoder_layers},
                                 {"layers", config.layers},
                                 {"hidden", config.hidden},
                                 {"latent", config.latent},
                                 {"segments", config.segments}};
  if (variational) {
    json["kl_weight"] = config.kl_weight;
    json["kl_warmup"] = config.kl_warmup;
    json["free_bits"] = config.free_bits;
  }
  json["dropout"] = config.dropout;
  json["input_dropout"] = config.input_dropout;
  json["word_dropout"] = config.word_dropout;
  json["forget_bias"] = config.forget_bias;
  json["own_tokens"] = config.own_tokens;
  json["own_tokens_slope"] = config.own_tokens_slope;
  return json.dump();
}

std::string to_json(const ClassifierConfig& config) {
  const nlohmann::ordered_json json = {{"kind", "classifier"},
                                       {"width", config.width},
                                       {"classes", config.classes},
                                       {"embedding", config.embedding},
                                       {"cell", info_of(config.cell).name},
                                       {"layers", config.layers},
                                       {"hidden", config.hidden},
                                       {"reading", name_of(config.reading)},
                                       {"pooling", name_of(config.pooling)},
                                       {"dropout", config.dropout},
                                       {"input_dropout", config.input_dropout},
                                       {"forget_bias", config.forget_bias}};
  return json.dump();
}

std::string kind_from_json(const std::string& text, const std::string& origin) {
  return read_description(
      text, origin, [](const nlohmann::json& json) { return json.at("kind").get<std::string>(); });
}

LanguageModelConfig config_from_json(const std::string& text, const std::string& origin) {
  return read_description(text, origin, [](const nlohmann::json& json) {
    check_kind(json, "lm");
    LanguageModelConfig config;
    config.head = parse_head(json.at("head").get<std::string>());
    config.width = integer_at<int>(json, "width");
    config.embedding = integer_at<int>(json, "embedding");
    config.cell = parse_cell(json.at("cell").get<std::string>());
    config.layers = integer_at<int>(json, "layers");
    config.hidden = integer_at<int>(json, "hidden");
    config.dropout = json.at("dropout").get<double>();
    config.input_dropout = json.at("input_dropout").get<double>();
    config.forget_bias = json.at("forget_bias").get<double>();
    for (const auto& layer : json.at("dense")) {
      config.dense.push_back({integer_at<int>(layer, "units"),
                              parse_activation(layer.at("activation").get<std::string>())});
    }
    if (config.head == Head::nade) config.nade_hidden = integer_at<int>(json, "nade_hidden");
    if (json.contains("labels")) {
      config.labels = integer_at<int>(json, "labels");
      config.label_embedding = integer_at<int>(json, "label_embedding");
    }
    config.validate();
    return config;
  });
}

Seq2SeqConfig seq2seq_config_from_json(const std::string& text, const std::string& origin) {
  return read_description(text, origin, [](const nlohmann::json& json) {
    check_kind(json, "seq2seq");
    Seq2SeqConfig config;
    config.source_width = integer_at<int>(json, "source_width");
    config.width = integer_at<int>(json, "width");
    config.embedding = integer_at<int>(json, "embedding");
    config.cell = parse_cell(json.at("cell").get<std::string>());
    config.encoder_layers = integer_at<int>(json, "encoder_layers");
    config.layers = integer_at<int>(json, "layers");
    config.hidden = integer_at<int>(json, "hidden");
    config.attention = parse_scoring(json.at("attention").get<std::string>());
    config.input_feeding =
        json.at("input_feeding").get<bool>() ? InputFeeding::yes : InputFeeding::no;
    config.dropout = json.at("dropout").get<double>();
    config.input_dropout = json.at("input_dropout").get<double>();
    config.forget_bias = json.at("forget_bias").get<double>();
    config.own_tokens = json.at("own_tokens").get<double>();
    config.own_tokens_slope = json.at("own_tokens_slope").get<double>();
    config.validate();
    return config;
  });
}

VaeConfig vae_config_from_json(const std::string& text, const std::string& origin) {
  return read_description(text, origin, [](const nlohmann::json& json) {
    VaeConfig config;
    if (json.at("kind").get<std::string>() == "autoencoder") {
      config.variational = Variational::no;
    } else {
      check_kind(json, "vae");
      config.kl_weight = json.at("kl_weight").get<double>();
      config.kl_warmup = integer_at<int>(json, "kl_warmup");
      config.free_bits = json.at("free_bits").get<double>();
    }
    config.width = integer_at<int>(json, "width");
    config.steps = integer_at<int>(json, "steps");
    config.embedding = integer_at<int>(json, "embedding");
    config.cell = parse_cell(json.at("cell").get<std::string>());
    config.encoder_layers = integer_at<int>(json, "encoder_layers");
    config.layers = integer_at<int>(json, "layers");
    config.hidden = integer_at<int>(json, "hidden");
    config.latent = integer_at<int>(json, "latent");
    config.segments = integer_at<int>(json, "segments");
    config.dropout = json.at("dropout").get<double>();
    config.input_dropout = json.at("input_dropout").get<double>();
    config.word_dropout = json.at("word_dropout").get<double>();
    config.forget_bias = json.at("forget_bias").get<double>();
    config.own_tokens = json.at("own_tokens").get<double>();
    config.own_tokens_slope = json.at("own_tokens_slope").get<double>();
    config.validate();
    return config;
  });
}

ClassifierConfig classifier_config_from_json(const std::string& text, const std::string& origin) {
  return read_description(text, origin, [](const nlohmann::json& json) {
    check_kind(json, "classifier");
    ClassifierConfig config;
    config.width = integer_at<int>(json, "width");
    config.classes = integer_at<int>(json, "classes");
    config.embedding = integer_at<int>(json, "embedding");
    config.cell = parse_cell(json.at("cell").get<std::string>());
    config.layers = integer_at<int>(json, "layers");
    config.hidden = integer_at<int>(json, "hidden");
    config.reading = parse_reading(json.at("reading").get<std::string>());
    config.pooling = parse_pooling(json.at("pooling").get<std::string>());
    config.dropout = json.at("dropout").get<double>();
    config.input_dropout = json.at("input_dropout").get<double>();
    config.forget_bias = json.at("forget_bias").get<double>();
    config.validate();
    return config;
  });
}

}  // namespace cadenza
