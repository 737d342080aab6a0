// SPDX-License-Identifier: Apache-2.0
#include "cadenza/gan.h"
#include "models/description.h"
#include "models/model_file.h"

namespace cadenza {
namespace {

GanConfig read_gan(const nlohmann::json& json) {
  check_kind(json, "gan");
  GanConfig config;
  config.generator = read_language_model(json.at("generator"));
  config.discriminator = read_classifier(json.at("discriminator"));
  config.pretraining = integer_at<int>(json, "pretraining");
  config.discriminator_pretraining = integer_at<int>(json, "discriminator_pretraining");
  config.generator_updates = integer_at<int>(json, "generator_updates");
  config.discriminator_updates = integer_at<int>(json, "discriminator_updates");
  config.discriminator_rest = json.at("discriminator_rest").get<double>();
  config.likelihood_every = integer_at<int>(json, "likelihood_every");
  config.discount = json.at("discount").get<double>();
  config.generator_rate = json.at("generator_rate").get<double>();
  config.discriminator_rate = json.at("discriminator_rate").get<double>();
  config.validate();
  return config;
}

GanFileInfo describe_gan(const SafetensorsReader& file) {
  auto info = describe_ours<GanFileInfo>(file, "gan", read_gan);
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  check(tokenizer->step_kind() == StepKind::token &&
            tokenizer->vocabulary_size() == info.config.generator.width,
        file.origin(), ": the model writes ", info.config.generator.width,
        " tokens, its tokenizer has ", tokenizer->vocabulary_size());
  check_shapes(file, parameter_specs(info.config.generator));
  const std::vector<ParameterSpec> specs = parameter_specs(info.config.discriminator);
  check_shapes(file, specs, with_prefix("discriminator.", specs));
  return info;
}

}  // namespace

std::string to_json(const GanConfig& config) {
  const nlohmann::ordered_json json = {
      {"kind", "gan"},
      {"generator", parse_ordered_json(to_json(config.generator))},
      {"discriminator", parse_ordered_json(to_json(config.discriminator))},
      {"pretraining", config.pretraining},
      {"discriminator_pretraining", config.discriminator_pretraining},
      {"generator_updates", config.generator_updates},
      {"discriminator_updates", config.discriminator_updates},
      {"discriminator_rest", config.discriminator_rest},
      {"likelihood_every", config.likelihood_every},
      {"discount", config.discount},
      {"generator_rate", config.generator_rate},
      {"discriminator_rate", config.discriminator_rate}};
  return to_text(json);
}

GanFileInfo read_gan_info(const std::filesystem::path& path) {
  return describe_gan(SafetensorsReader(path));
}

LoadedGan load_gan(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  auto loaded = load_described<LoadedGan>(file, backend, describe_gan(file));
  read_all_weights(file, *loaded.model);
  return loaded;
}

}  // namespace cadenza
