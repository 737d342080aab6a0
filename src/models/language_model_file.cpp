// SPDX-License-Identifier: Apache-2.0
#include "cadenza/language_model.h"
#include "models/description.h"
#include "models/infer_config.h"

namespace cadenza {
namespace {

Condition read_condition(const nlohmann::json& json) {
  Condition condition = {.kind = parse_condition(json.at("kind").get<std::string>()),
                         .values = integer_at<int>(json, "values"),
                         .embedding = integer_at<int>(json, "embedding")};
  if (condition.has_bins()) {
    condition.bounds = json.at("bounds").get<std::vector<double>>();
  }
  return condition;
}

nlohmann::ordered_json condition_json(const Condition& condition) {
  nlohmann::ordered_json json = {{"kind", name_of(condition.kind)},
                                 {"values", condition.values},
                                 {"embedding", condition.embedding}};
  if (condition.has_bins()) json["bounds"] = condition.bounds;
  return json;
}

struct Description {
  ModelFileInfo info;
  FileNames file_names;
};

void check_vocabulary(const SafetensorsReader& file, const ModelFileInfo& info) {
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  if (tokenizer->vocabulary_size() == info.config.width &&
      tokenizer->step_kind() == info.config.step_kind()) {
    return;
  }
  throw ArgumentError(message(file.origin(), ": the model has ", info.config.width,
                              " outputs, the tokenizer '", info.tokenizer_name,
                              "' a vocabulary of ", tokenizer->vocabulary_size()));
}

/// Of a gan the generator.
LanguageModelConfig read_generating(const nlohmann::json& json) {
  return read_language_model(json.at("kind") == "gan" ? json.at("generator") : json);
}

Description describe(const SafetensorsReader& file, std::string_view tokenizer,
                     std::string_view settings) {
  Description description;
  ModelFileInfo& info = description.info;
  if (is_ours(file)) {
    info.config = read_architecture(metadata(file, "model"), file.origin(), read_generating);
    info.tokenizer_name = metadata(file, "tokenizer");
    info.tokenizer_settings = metadata(file, "tokenizer_settings");
    info.training = metadata(file, "training");
    for (const Condition& condition : info.config.conditions) {
      if (condition.kind != ConditionKind::label) continue;
      info.labels = read_labels(file, condition.values);
    }
  } else {
    InferredModel inferred = infer_model(file);
    info.config = inferred.config;
    description.file_names = std::move(inferred.file_names);
    check(!tokenizer.empty(), file.origin(),
          ": the file does not say what its tokens mean, name a tokenizer for its ",
          info.config.width, " outputs");
  }
  if (!tokenizer.empty()) {
    info.tokenizer_name = tokenizer;
    info.tokenizer_settings = settings;
  }
  check_vocabulary(file, info);
  check_shapes(file, parameter_specs(info.config), description.file_names);
  info.parameter_count = count_parameters(file);
  return description;
}

}  // namespace

LanguageModelConfig read_language_model(const nlohmann::json& json) {
  check_kind(json, "lm");
  LanguageModelConfig config;
  config.head = parse_head(json.at("head").get<std::string>());
  read_shared(json, config);
  for (const auto& layer : json.at("dense")) {
    config.dense.push_back({integer_at<int>(layer, "units"),
                            parse_activation(layer.at("activation").get<std::string>())});
  }
  if (config.head == Head::nade) config.nade_hidden = integer_at<int>(json, "nade_hidden");
  if (json.contains("conditions")) {
    for (const auto& condition : json.at("conditions")) {
      config.conditions.push_back(read_condition(condition));
    }
  }
  if (json.contains("attention_length")) {
    config.attention_length = integer_at<int>(json, "attention_length");
  }
  if (json.contains("position_bits")) config.position_bits = integer_at<int>(json, "position_bits");
  if (json.contains("lookback")) {
    for (const auto& distance : json.at("lookback")) {
      config.lookback.push_back(to_integer<int>(distance));
    }
  }
  config.validate();
  return config;
}

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
  for (const Condition& condition : config.conditions) {
    json["conditions"].push_back(condition_json(condition));
  }
  if (config.attention_length > 0) json["attention_length"] = config.attention_length;
  if (!config.lookback.empty()) json["lookback"] = config.lookback;
  if (config.position_bits > 0) json["position_bits"] = config.position_bits;
  return to_text(json);
}

ModelFileInfo read_model_info(const std::filesystem::path& path, std::string_view tokenizer,
                              std::string_view settings) {
  return describe(SafetensorsReader(path), tokenizer, settings).info;
}

LoadedModel load_model(const std::filesystem::path& path, Backend& backend,
                       std::string_view tokenizer, std::string_view settings) {
  const SafetensorsReader file(path);
  Description description = describe(file, tokenizer, settings);
  return load_described<LoadedModel>(file, backend, std::move(description.info),
                                     description.file_names);
}

}  // namespace cadenza
