// SPDX-License-Identifier: Apache-2.0
#include "cadenza/infiller.h"
#include "models/description.h"

namespace cadenza {
namespace {

InfillerConfig read_infiller(const nlohmann::json& json) {
  check_kind(json, "infiller");
  InfillerConfig config;
  read_shared(json, config);
  config.voices = integer_at<int>(json, "voices");
  config.period = integer_at<int>(json, "period");
  config.word_dropout = json.at("word_dropout").get<double>();
  config.validate();
  return config;
}

InfillerFileInfo describe_infiller(const SafetensorsReader& file) {
  auto info = describe_ours<InfillerFileInfo>(file, "infiller", read_infiller);
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  const std::optional<TokenGrid> grid = tokenizer->grid();
  check(grid.has_value(), file.origin(), ": the tokens of its tokenizer '", info.tokenizer_name,
        "' stand on no grid");
  check(tokenizer->vocabulary_size() == info.config.width &&
            grid->voices.size() == static_cast<std::size_t>(info.config.voices),
        file.origin(), ": the model tells ", info.config.width, " tokens in ", info.config.voices,
        " voices, its tokenizer has ", tokenizer->vocabulary_size(), " in ", grid->voices.size());
  check_shapes(file, parameter_specs(info.config));
  return info;
}

}  // namespace

std::string to_json(const InfillerConfig& config) {
  const nlohmann::ordered_json json = {{"kind", "infiller"},
                                       {"width", config.width},
                                       {"voices", config.voices},
                                       {"period", config.period},
                                       {"embedding", config.embedding},
                                       {"cell", info_of(config.cell).name},
                                       {"layers", config.layers},
                                       {"hidden", config.hidden},
                                       {"dropout", config.dropout},
                                       {"input_dropout", config.input_dropout},
                                       {"forget_bias", config.forget_bias},
                                       {"word_dropout", config.word_dropout}};
  return to_text(json);
}

InfillerFileInfo read_infiller_info(const std::filesystem::path& path) {
  return describe_infiller(SafetensorsReader(path));
}

LoadedInfiller load_infiller(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  return load_described<LoadedInfiller>(file, backend, describe_infiller(file));
}

}  // namespace cadenza
