// SPDX-License-Identifier: Apache-2.0
#include "models/model_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "cadenza/classifier.h"
#include "cadenza/error.h"
#include "cadenza/language_model.h"
#include "cadenza/seq2seq.h"
#include "cadenza/vae.h"
#include "io/name_list.h"
#include "io/pair_info.h"
#include "models/infer_config.h"
#include "models/model_json.h"

namespace cadenza {
namespace {

constexpr std::string_view kFormat = "cadenza-model-1";

std::string metadata(const SafetensorsReader& file, std::string_view key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? std::string() : found->second;
}

bool is_ours(const SafetensorsReader& file) {
  const std::string format = metadata(file, "format");
  if (format.rfind("cadenza-", 0) != 0) return false;
  if (format != kFormat) {
    throw FormatError(
        message(file.origin(), ": format is '", format, "', expected '", kFormat, "'"), 8);
  }
  return true;
}

// Our parameter name -> the file's; empty for files with our names.
using FileNames = std::map<std::string, std::string>;

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

const FileArray& weight_of(const SafetensorsReader& file, const FileNames& file_names,
                           const std::string& name) {
  const auto renamed = file_names.find(name);
  return file.at(renamed == file_names.end() ? name : renamed->second);
}

// Before any memory is asked for: a hostile description must not be able to demand more than the
// file itself holds.
void check_shapes(const SafetensorsReader& file, const FileNames& file_names,
                  const std::vector<ParameterSpec>& specs) {
  for (const ParameterSpec& spec : specs) {
    const std::vector<std::int64_t>& shape = weight_of(file, file_names, spec.name).shape;
    bool same = static_cast<int>(shape.size()) == spec.shape.rank();
    for (int i = 0; same && i < spec.shape.rank(); ++i) {
      same = shape[static_cast<std::size_t>(i)] == spec.shape[i];
    }
    if (same) continue;
    std::string got;
    for (const std::int64_t extent : shape) got += (got.empty() ? "" : ", ") + message(extent);
    throw FormatError(message(file.origin(), ": ", spec.name, " has shape [", got,
                              "], the description demands ", spec.shape),
                      8);
  }
}

void read_weights(const SafetensorsReader& file, const FileNames& file_names,
                  Parameters& parameters) {
  check_shapes(file, file_names, parameters.specs());
  for (const ParameterSpec& spec : parameters.specs()) {
    const std::vector<double> values = weight_of(file, file_names, spec.name).as<double>();
    const auto bad = std::find_if(values.begin(), values.end(),
                                  [](double value) { return !std::isfinite(value); });
    if (bad != values.end()) {
      throw FormatError(message(file.origin(), ": ", spec.name, " holds ", *bad), 8);
    }
    parameters.upload(spec.name, values);
  }
}

std::int64_t count_parameters(const SafetensorsReader& file) {
  std::int64_t count = 0;
  for (const auto& [name, array] : file.arrays()) {
    if (name.rfind("training.", 0) != 0) count += array.count();
  }
  return count;
}

Description describe(const SafetensorsReader& file, std::string_view tokenizer,
                     std::string_view settings) {
  Description description;
  ModelFileInfo& info = description.info;
  if (is_ours(file)) {
    info.config = config_from_json(metadata(file, "model"), file.origin());
    info.tokenizer_name = metadata(file, "tokenizer");
    info.tokenizer_settings = metadata(file, "tokenizer_settings");
    info.training = metadata(file, "training");
    if (info.config.labels > 0) {
      info.labels = labels_from_json(metadata(file, "labels"), file.origin());
      check(info.labels.size() == static_cast<std::size_t>(info.config.labels), file.origin(),
            ": the model is conditioned on ", info.config.labels, " labels, ", info.labels.size(),
            " have names");
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
  check_shapes(file, description.file_names, parameter_specs(info.config));
  info.parameter_count = count_parameters(file);
  return description;
}

// What the files of all our models say alike; `what` the file should hold, for people.
template <typename Info, typename Config>
Info describe_ours(const SafetensorsReader& file, std::string_view what,
                   Config (*read_config)(const std::string&, const std::string&)) {
  check(is_ours(file), file.origin(), ": is no ", what, " of cadenza");
  Info info;
  info.config = read_config(metadata(file, "model"), file.origin());
  info.tokenizer_name = metadata(file, "tokenizer");
  info.tokenizer_settings = metadata(file, "tokenizer_settings");
  info.parameter_count = count_parameters(file);
  info.training = metadata(file, "training");
  return info;
}

// A model with its weights and its tokenizer, of a described file.
template <typename Loaded, typename Info>
Loaded load_described(const SafetensorsReader& file, Backend& backend, Info info,
                      const FileNames& file_names = {}) {
  Loaded loaded;
  loaded.info = std::move(info);
  using Kind = typename decltype(loaded.model)::element_type;
  loaded.model = std::make_unique<Kind>(backend, loaded.info.config);
  read_weights(file, file_names, loaded.model->parameters());
  loaded.tokenizer = make_tokenizer(loaded.info.tokenizer_name, loaded.info.tokenizer_settings);
  return loaded;
}

Seq2SeqFileInfo describe_seq2seq(const SafetensorsReader& file) {
  auto info = describe_ours<Seq2SeqFileInfo>(file, "seq2seq model", seq2seq_config_from_json);
  info.pairs = pair_info_from_json(metadata(file, "pairs"), file.origin());
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  check(tokenizer->step_kind() == StepKind::token &&
            tokenizer->vocabulary_size() == info.config.width &&
            info.pairs.vocabulary == info.config.source_width,
        file.origin(), ": the model reads ", info.config.source_width, " and writes ",
        info.config.width, " tokens, its tokenizers have ", info.pairs.vocabulary, " and ",
        tokenizer->vocabulary_size());
  check_shapes(file, FileNames(), parameter_specs(info.config));
  return info;
}

VaeFileInfo describe_vae(const SafetensorsReader& file) {
  auto info = describe_ours<VaeFileInfo>(file, "autoencoder", vae_config_from_json);
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  check(tokenizer->step_kind() == StepKind::token &&
            tokenizer->vocabulary_size() == info.config.width,
        file.origin(), ": the model writes ", info.config.width, " tokens, its tokenizer has ",
        tokenizer->vocabulary_size());
  check_shapes(file, FileNames(), parameter_specs(info.config));
  return info;
}

ClassifierFileInfo describe_classifier(const SafetensorsReader& file) {
  auto info = describe_ours<ClassifierFileInfo>(file, "classifier", classifier_config_from_json);
  info.labels = labels_from_json(metadata(file, "labels"), file.origin());
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  check(tokenizer->step_kind() == StepKind::token &&
            tokenizer->vocabulary_size() == info.config.width &&
            info.labels.size() == static_cast<std::size_t>(info.config.classes),
        file.origin(), ": the model tells ", info.config.classes, " labels from ",
        info.config.width, " tokens, there are ", info.labels.size(), " labels and ",
        tokenizer->vocabulary_size(), " tokens");
  check_shapes(file, FileNames(), parameter_specs(info.config));
  return info;
}

}  // namespace

void add_model(SafetensorsWriter& file, const Model& model, const ModelMeaning& meaning) {
  file.set_metadata("format", std::string(kFormat));
  file.set_metadata("model", model.architecture());
  file.set_metadata("tokenizer", std::string(meaning.tokenizer.name()));
  file.set_metadata("tokenizer_settings", meaning.tokenizer.settings());
  if (meaning.pairs) file.set_metadata("pairs", to_json(*meaning.pairs));
  if (!meaning.labels.empty()) file.set_metadata("labels", names_to_json(meaning.labels));
  const Parameters& parameters = model.parameters();
  for (const ParameterSpec& spec : parameters.specs()) {
    std::vector<std::int64_t> shape;
    for (int i = 0; i < spec.shape.rank(); ++i) shape.push_back(spec.shape[i]);
    const TensorView value = parameters.value(spec.name);
    std::vector<std::byte> bytes(value.bytes());
    parameters.backend().download(value, bytes);
    file.add(spec.name, value.dtype, shape, bytes);
  }
}

void read_weights(const SafetensorsReader& file, Parameters& parameters) {
  read_weights(file, FileNames(), parameters);
}

void save_model(const Model& model, const Tokenizer& tokenizer, const std::filesystem::path& path,
                const std::optional<PairInfo>& pairs, const std::vector<std::string>& labels) {
  SafetensorsWriter file;
  add_model(file, model, {tokenizer, pairs, labels});
  file.write(path);
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

std::string read_model_kind(const std::filesystem::path& path) {
  const SafetensorsReader file(path);
  return is_ours(file) ? kind_from_json(metadata(file, "model"), file.origin()) : "lm";
}

Seq2SeqFileInfo read_seq2seq_info(const std::filesystem::path& path) {
  return describe_seq2seq(SafetensorsReader(path));
}

LoadedSeq2Seq load_seq2seq(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  auto loaded = load_described<LoadedSeq2Seq>(file, backend, describe_seq2seq(file));
  const PairInfo& pairs = loaded.info.pairs;
  loaded.source_tokenizer = make_tokenizer(pairs.tokenizer_name, pairs.tokenizer_settings);
  return loaded;
}

VaeFileInfo read_vae_info(const std::filesystem::path& path) {
  return describe_vae(SafetensorsReader(path));
}

LoadedVae load_vae(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  return load_described<LoadedVae>(file, backend, describe_vae(file));
}

ClassifierFileInfo read_classifier_info(const std::filesystem::path& path) {
  return describe_classifier(SafetensorsReader(path));
}

LoadedClassifier load_classifier(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  return load_described<LoadedClassifier>(file, backend, describe_classifier(file));
}

}  // namespace cadenza
