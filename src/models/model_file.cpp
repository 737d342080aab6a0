// SPDX-License-Identifier: Apache-2.0
#include "models/model_file.h"

#include "cadenza/language_model.h"
#include "io/music_info.h"
#include "io/name_list.h"
#include "io/pair_info.h"
#include "models/description.h"

namespace cadenza {

void add_model(SafetensorsWriter& file, const Model& model, const ModelMeaning& meaning) {
  file.set_metadata("format", std::string(kModelFormat));
  file.set_metadata("model", model.architecture());
  file.set_metadata("tokenizer", std::string(meaning.tokenizer.name()));
  file.set_metadata("tokenizer_settings", meaning.tokenizer.settings());
  const Dataset& data = meaning.data;
  if (data.pairs) file.set_metadata("pairs", to_json(*data.pairs));
  if (!data.labels.empty()) file.set_metadata("labels", names_to_json(data.labels));
  file.set_metadata("music", to_json(data.music));
  for (const Part& part : model.parts()) {
    const Parameters& parameters = *part.parameters;
    for (const ParameterSpec& spec : parameters.specs()) {
      std::vector<std::int64_t> shape;
      for (int i = 0; i < spec.shape.rank(); ++i) shape.push_back(spec.shape[i]);
      const TensorView value = parameters.value(spec.name);
      std::vector<std::byte> bytes(value.bytes());
      parameters.backend().download(value, bytes);
      file.add(part.prefix + spec.name, value.dtype, shape, bytes);
    }
  }
}

void read_all_weights(const SafetensorsReader& file, Model& model) {
  for (const Part& part : model.parts()) {
    read_weights(file, *part.parameters, with_prefix(part.prefix, part.parameters->specs()));
  }
}

void save_model(const Model& model, const Tokenizer& tokenizer, const std::filesystem::path& path,
                const Dataset& data) {
  SafetensorsWriter file;
  add_model(file, model, {tokenizer, data});
  file.write(path);
}

std::string read_model_kind(const std::filesystem::path& path) {
  const SafetensorsReader file(path);
  if (!is_ours(file)) return "lm";
  return read_architecture(metadata(file, "model"), file.origin(), [](const nlohmann::json& json) {
    return json.at("kind").get<std::string>();
  });
}

}  // namespace cadenza
