// SPDX-License-Identifier: Apache-2.0
#include "cadenza/vae.h"
#include "models/description.h"

namespace cadenza {
namespace {

VaeConfig read_vae(const nlohmann::json& json) {
  VaeConfig config;
  if (json.at("kind").get<std::string>() == "autoencoder") {
    config.variational = Variational::no;
  } else {
    check_kind(json, "vae");
    config.kl_weight = json.at("kl_weight").get<double>();
    config.kl_warmup = integer_at<int>(json, "kl_warmup");
    config.free_bits = json.at("free_bits").get<double>();
  }
  read_shared(json, config);
  config.steps = integer_at<int>(json, "steps");
  config.encoder_layers = integer_at<int>(json, "encoder_layers");
  config.latent = integer_at<int>(json, "latent");
  config.segments = integer_at<int>(json, "segments");
  if (json.contains("labels")) {
    config.labels = integer_at<int>(json, "labels");
    config.label_embedding = integer_at<int>(json, "label_embedding");
  }
  config.word_dropout = json.at("word_dropout").get<double>();
  config.own_tokens = json.at("own_tokens").get<double>();
  config.own_tokens_slope = json.at("own_tokens_slope").get<double>();
  config.validate();
  return config;
}

VaeFileInfo describe_vae(const SafetensorsReader& file) {
  auto info = describe_ours<VaeFileInfo>(file, "autoencoder", read_vae);
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  check(tokenizer->step_kind() == StepKind::token &&
            tokenizer->vocabulary_size() == info.config.width,
        file.origin(), ": the model writes ", info.config.width, " tokens, its tokenizer has ",
        tokenizer->vocabulary_size());
  if (info.config.labels > 0) info.labels = read_labels(file, info.config.labels);
  info.music = read_music(file);
  check_shapes(file, parameter_specs(info.config));
  return info;
}

}  // namespace

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
  if (config.labels > 0) {
    json["labels"] = config.labels;
    json["label_embedding"] = config.label_embedding;
  }
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
  return to_text(json);
}

VaeFileInfo read_vae_info(const std::filesystem::path& path) {
  return describe_vae(SafetensorsReader(path));
}

LoadedVae load_vae(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  return load_described<LoadedVae>(file, backend, describe_vae(file));
}

}  // namespace cadenza
