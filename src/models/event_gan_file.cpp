// SPDX-License-Identifier: Apache-2.0
#include "cadenza/event_gan.h"
#include "models/description.h"
#include "models/model_file.h"

namespace cadenza {
namespace {

EventGanConfig read_event_gan(const nlohmann::json& json) {
  check_kind(json, "event_gan");
  EventGanConfig config;
  config.tokenizer_name = json.at("tokenizer").get<std::string>();
  config.tokenizer_settings = json.at("tokenizer_settings").get<std::string>();
  config.events = integer_at<int>(json, "events");
  config.cell = parse_cell(json.at("cell").get<std::string>());
  config.layers = integer_at<int>(json, "layers");
  config.hidden = integer_at<int>(json, "hidden");
  config.noise = integer_at<int>(json, "noise");
  config.feedback = json.at("feedback").get<bool>() ? Feedback::yes : Feedback::no;
  config.forget_bias = json.at("forget_bias").get<double>();
  config.discriminator_cell = parse_cell(json.at("discriminator_cell").get<std::string>());
  config.discriminator_layers = integer_at<int>(json, "discriminator_layers");
  config.discriminator_hidden = integer_at<int>(json, "discriminator_hidden");
  config.kernels = integer_at<int>(json, "kernels");
  config.word_loss = parse_word_loss(json.at("word_loss").get<std::string>());
  config.aim = parse_aim(json.at("aim").get<std::string>());
  config.pretraining = integer_at<int>(json, "pretraining");
  config.generator_updates = integer_at<int>(json, "generator_updates");
  config.discriminator_updates = integer_at<int>(json, "discriminator_updates");
  config.discriminator_rest = json.at("discriminator_rest").get<double>();
  config.generator_rate = json.at("generator_rate").get<double>();
  config.discriminator_rate = json.at("discriminator_rate").get<double>();
  config.validate();
  return config;
}

EventGanFileInfo describe_event_gan(const SafetensorsReader& file) {
  auto info = describe_ours<EventGanFileInfo>(file, "event_gan", read_event_gan);
  make_tokenizer(info.config.tokenizer_name, info.config.tokenizer_settings);
  check_shapes(file, generator_specs(info.config));
  const std::vector<ParameterSpec> specs = discriminator_specs(info.config);
  check_shapes(file, specs, with_prefix("discriminator.", specs));
  return info;
}

}  // namespace

std::string to_json(const EventGanConfig& config) {
  const nlohmann::ordered_json json = {
      {"kind", "event_gan"},
      {"tokenizer", config.tokenizer_name},
      {"tokenizer_settings", config.tokenizer_settings},
      {"events", config.events},
      {"cell", info_of(config.cell).name},
      {"layers", config.layers},
      {"hidden", config.hidden},
      {"noise", config.noise},
      {"feedback", config.feedback == Feedback::yes},
      {"forget_bias", config.forget_bias},
      {"discriminator_cell", info_of(config.discriminator_cell).name},
      {"discriminator_layers", config.discriminator_layers},
      {"discriminator_hidden", config.discriminator_hidden},
      {"kernels", config.kernels},
      {"word_loss", name_of(config.word_loss)},
      {"aim", name_of(config.aim)},
      {"pretraining", config.pretraining},
      {"generator_updates", config.generator_updates},
      {"discriminator_updates", config.discriminator_updates},
      {"discriminator_rest", config.discriminator_rest},
      {"generator_rate", config.generator_rate},
      {"discriminator_rate", config.discriminator_rate}};
  return to_text(json);
}

EventGanFileInfo read_event_gan_info(const std::filesystem::path& path) {
  return describe_event_gan(SafetensorsReader(path));
}

LoadedEventGan load_event_gan(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  auto loaded = load_described<LoadedEventGan>(file, backend, describe_event_gan(file));
  read_all_weights(file, *loaded.model);
  return loaded;
}

}  // namespace cadenza
