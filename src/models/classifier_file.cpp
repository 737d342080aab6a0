// SPDX-License-Identifier: Apache-2.0
#include "cadenza/classifier.h"
#include "io/name_list.h"
#include "models/description.h"

namespace cadenza {
namespace {

ClassifierFileInfo describe_classifier(const SafetensorsReader& file) {
  auto info = describe_ours<ClassifierFileInfo>(file, "classifier", read_classifier);
  info.labels = labels_from_json(metadata(file, "labels"), file.origin());
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  check(tokenizer->step_kind() == StepKind::token &&
            tokenizer->vocabulary_size() == info.config.width &&
            info.labels.size() == static_cast<std::size_t>(info.config.classes),
        file.origin(), ": the model tells ", info.config.classes, " labels from ",
        info.config.width, " tokens, there are ", info.labels.size(), " labels and ",
        tokenizer->vocabulary_size(), " tokens");
  info.music = read_music(file);
  check_shapes(file, parameter_specs(info.config));
  return info;
}

}  // namespace

ClassifierConfig read_classifier(const nlohmann::json& json) {
  check_kind(json, "classifier");
  ClassifierConfig config;
  read_shared(json, config);
  config.classes = integer_at<int>(json, "classes");
  config.reading = parse_reading(json.at("reading").get<std::string>());
  config.pooling = parse_pooling(json.at("pooling").get<std::string>());
  if (json.contains("label_weights")) {
    config.label_weights = json.at("label_weights").get<std::vector<double>>();
  }
  config.validate();
  return config;
}

std::string to_json(const ClassifierConfig& config) {
  nlohmann::ordered_json json = {{"kind", "classifier"},
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
  if (!config.label_weights.empty()) json["label_weights"] = config.label_weights;
  return to_text(json);
}

ClassifierFileInfo read_classifier_info(const std::filesystem::path& path) {
  return describe_classifier(SafetensorsReader(path));
}

LoadedClassifier load_classifier(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  return load_described<LoadedClassifier>(file, backend, describe_classifier(file));
}

}  // namespace cadenza
