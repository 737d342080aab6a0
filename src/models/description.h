// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/cell.h"
#include "cadenza/classifier.h"
#include "cadenza/dataset.h"
#include "cadenza/error.h"
#include "cadenza/language_model.h"
#include "cadenza/parameters.h"
#include "cadenza/safetensors.h"
#include "cadenza/tokenizer.h"
#include "io/json.h"

namespace cadenza {

inline constexpr std::string_view kModelFormat = "cadenza-model-1";

/// Whether a model file is cadenza's own. FormatError for a version that we do not know.
bool is_ours(const SafetensorsReader& file);
/// A text of the file's metadata, "" if it is not there.
std::string metadata(const SafetensorsReader& file, std::string_view key);
/// Numbers in a model file that are not of its training.
std::int64_t count_parameters(const SafetensorsReader& file);

/// Our parameter name -> the file's; empty for files with our names.
using FileNames = std::map<std::string, std::string>;
/// Names that differ by `prefix` alone.
FileNames with_prefix(const std::string& prefix, const std::vector<ParameterSpec>& specs);
/// FormatError names an array of these that is missing or of another shape. To be called before any
/// memory is asked for: a hostile description must not be able to demand more than the file itself
/// holds.
void check_shapes(const SafetensorsReader& file, const std::vector<ParameterSpec>& specs,
                  const FileNames& file_names = {});
/// Fills the parameters. FormatError as above, and for a value that is not finite.
void read_weights(const SafetensorsReader& file, const Parameters& parameters,
                  const FileNames& file_names = {});

/// read(json) of the architecture in `text`; whatever is wrong with it is a FormatError of the
/// file `origin`.
template <typename Read>
auto read_architecture(const std::string& text, const std::string& origin, const Read& read) {
  try {
    return read(parse_json(text));
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(message(origin, ": model description: ", error.what()), 8);
  } catch (const ArgumentError& error) {
    throw FormatError(message(origin, ": model description: ", error.what()), 8);
  }
}

/// ArgumentError unless the architecture is of this kind.
void check_kind(const nlohmann::json& architecture, std::string_view expected);

/// What the architectures of all kinds have in common.
template <typename Config>
void read_shared(const nlohmann::json& json, Config& config) {
  config.width = integer_at<int>(json, "width");
  config.embedding = integer_at<int>(json, "embedding");
  config.cell = parse_cell(json.at("cell").get<std::string>());
  config.layers = integer_at<int>(json, "layers");
  config.hidden = integer_at<int>(json, "hidden");
  config.dropout = json.at("dropout").get<double>();
  config.input_dropout = json.at("input_dropout").get<double>();
  config.forget_bias = json.at("forget_bias").get<double>();
}

/// The names of the labels of a model that is conditioned on so many.
std::vector<std::string> read_labels(const SafetensorsReader& file, int expected);
/// What is known of the music it was trained on: nothing in files from before that was kept.
MusicInfo read_music(const SafetensorsReader& file);

/// The architectures that also stand in those of other models, as read_architecture() reads them.
LanguageModelConfig read_language_model(const nlohmann::json& json);
ClassifierConfig read_classifier(const nlohmann::json& json);

/// What all our model files say alike; `what` the file should hold, for people. `read_config` as
/// read_architecture().
template <typename Info, typename Config>
Info describe_ours(const SafetensorsReader& file, std::string_view what,
                   Config (*read_config)(const nlohmann::json&)) {
  check(is_ours(file), file.origin(), ": is no ", what, " of cadenza");
  Info info;
  info.config = read_architecture(metadata(file, "model"), file.origin(), read_config);
  info.tokenizer_name = metadata(file, "tokenizer");
  info.tokenizer_settings = metadata(file, "tokenizer_settings");
  info.parameter_count = count_parameters(file);
  info.training = metadata(file, "training");
  return info;
}

/// A model with its weights and its tokenizer, of a described file.
template <typename Loaded, typename Info>
Loaded load_described(const SafetensorsReader& file, Backend& backend, Info info,
                      const FileNames& file_names = {}) {
  Loaded loaded;
  loaded.info = std::move(info);
  using Kind = typename decltype(loaded.model)::element_type;
  loaded.model = std::make_unique<Kind>(backend, loaded.info.config);
  read_weights(file, loaded.model->parameters(), file_names);
  loaded.tokenizer = make_tokenizer(loaded.info.tokenizer_name, loaded.info.tokenizer_settings);
  return loaded;
}

}  // namespace cadenza
