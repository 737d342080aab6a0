// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arguments.h"
#include "cadenza/classifier.h"
#include "cadenza/error.h"
#include "cadenza/language_model.h"
#include "cadenza/midi.h"
#include "cadenza/safetensors.h"
#include "cadenza/seq2seq.h"
#include "cadenza/vae.h"
#include "data_file.h"
#include "json_result.h"
#include "labels.h"
#include "model_options.h"
#include "progress.h"

namespace cadenza::tools {
namespace {

nlohmann::ordered_json describe_midi(const std::string& path) {
  const MidiFile file = read_midi_file(path);
  const Score& score = file.score;
  nlohmann::ordered_json out = {{"kind", "midi"},
                                {"format", file.format},
                                {"ticks_per_quarter", score.ticks_per_quarter},
                                {"notes", score.note_count()},
                                {"seconds", TempoMap(score).seconds(score.end())}};
  out["tracks"] = nlohmann::ordered_json::array();
  for (const Track& track : score.tracks) {
    nlohmann::ordered_json row = {{"name", track.name},
                                  {"channel", track.channel},
                                  {"program", track.program},
                                  {"drums", track.is_drum()},
                                  {"notes", track.notes.size()}};
    if (!track.notes.empty()) {
      const auto [low, high] =
          std::minmax_element(track.notes.begin(), track.notes.end(),
                              [](const Note& a, const Note& b) { return a.pitch < b.pitch; });
      row["lowest"] = low->pitch;
      row["highest"] = high->pitch;
    }
    out["tracks"].push_back(std::move(row));
  }
  out["tempos"] = score.tempos.size();
  if (!score.tempos.empty()) out["qpm"] = 6e7 / score.tempos.front().microseconds_per_quarter;
  out["time_signatures"] = nlohmann::ordered_json::array();
  for (const TimeSignature& signature : score.time_signatures) {
    out["time_signatures"].push_back(message(signature.numerator, "/", signature.denominator));
  }
  out["warnings"] = file.warnings;
  return out;
}

void describe_pairs(const PairInfo& pairs, nlohmann::ordered_json& out) {
  out["source_tokenizer"] = pairs.tokenizer_name;
  out["source_tokenizer_settings"] = pairs.tokenizer_settings;
  out["source_track"] = pairs.track;
  out["bars"] = pairs.bars;
}

nlohmann::ordered_json describe_data(const std::string& path) {
  const Dataset data = load_data(path);
  nlohmann::ordered_json out = {
      {"kind", "data"},
      {"tokenizer", data.tokenizer_name},
      {"tokenizer_settings", data.tokenizer_settings},
      {"steps_are", data.step_kind == StepKind::token ? "tokens" : "frames"},
      {"vocabulary", data.vocabulary}};
  if (data.pairs) describe_pairs(*data.pairs, out);
  if (!data.labels.empty()) out["labels"] = label_totals(data);
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    std::size_t longest = 0;
    for (const Piece& piece : data[split]) longest = std::max(longest, piece.sequence.size());
    out[std::string(kSplitNames[static_cast<std::size_t>(split)])] = {
        {"pieces", data[split].size()}, {"steps", step_count(data[split])}, {"longest", longest}};
    if (!data.labels.empty()) {
      out[std::string(kSplitNames[static_cast<std::size_t>(split)])]["labels"] =
          label_totals(data, split);
    }
  }
  return out;
}

/// How large any kind of model is, and what its tokens mean.
template <typename ModelInfo>
void describe_meaning(const ModelInfo& info, nlohmann::ordered_json& out) {
  out["parameters"] = info.parameter_count;
  out["tokenizer"] = info.tokenizer_name;
  out["tokenizer_settings"] = info.tokenizer_settings;
}

/// What every kind of model file says besides its architecture.
void describe_file(const std::string& path, const std::string& training,
                   nlohmann::ordered_json& out) {
  if (!training.empty()) out["training"] = nlohmann::ordered_json::parse(training, nullptr, false);
  out["arrays"] = nlohmann::ordered_json::array();
  const SafetensorsReader reader{std::filesystem::path(path)};
  for (const auto& [name, array] : reader.arrays()) {
    out["arrays"].push_back(
        {{"name", name}, {"dtype", name_of(array.dtype)}, {"shape", array.shape}});
  }
}

nlohmann::ordered_json describe_seq2seq(const std::string& path) {
  const Seq2SeqFileInfo info = read_seq2seq_info(path);
  const Seq2SeqConfig& config = info.config;
  nlohmann::ordered_json out = {{"kind", "model"},
                                {"model", "seq2seq"},
                                {"source_width", config.source_width},
                                {"width", config.width},
                                {"cell", info_of(config.cell).name},
                                {"encoder_layers", config.encoder_layers},
                                {"layers", config.layers},
                                {"hidden", config.hidden},
                                {"embedding", config.embedding},
                                {"attention", name_of(config.attention)},
                                {"input_feeding", config.input_feeding == InputFeeding::yes},
                                {"dropout", config.dropout},
                                {"input_dropout", config.input_dropout}};
  describe_meaning(info, out);
  describe_pairs(info.pairs, out);
  describe_file(path, info.training, out);
  return out;
}

nlohmann::ordered_json describe_vae(const std::string& path) {
  const VaeFileInfo info = read_vae_info(path);
  const VaeConfig& config = info.config;
  const bool variational = config.variational == Variational::yes;
  nlohmann::ordered_json out = {{"kind", "model"},
                                {"model", variational ? "vae" : "autoencoder"},
                                {"width", config.width},
                                {"steps", config.steps},
                                {"segments", config.segments},
                                {"latent", config.latent},
                                {"cell", info_of(config.cell).name},
                                {"encoder_layers", config.encoder_layers},
                                {"layers", config.layers},
                                {"hidden", config.hidden},
                                {"embedding", config.embedding}};
  if (variational) {
    out["kl_weight"] = config.kl_weight;
    out["free_bits"] = config.free_bits;
  }
  out["dropout"] = config.dropout;
  out["input_dropout"] = config.input_dropout;
  out["word_dropout"] = config.word_dropout;
  describe_meaning(info, out);
  describe_file(path, info.training, out);
  return out;
}

nlohmann::ordered_json describe_classifier(const std::string& path) {
  const ClassifierFileInfo info = read_classifier_info(path);
  const ClassifierConfig& config = info.config;
  nlohmann::ordered_json out = {{"kind", "model"},
                                {"model", "classifier"},
                                {"labels", info.labels},
                                {"width", config.width},
                                {"cell", info_of(config.cell).name},
                                {"layers", config.layers},
                                {"hidden", config.hidden},
                                {"embedding", config.embedding},
                                {"reading", name_of(config.reading)},
                                {"pooling", name_of(config.pooling)},
                                {"dropout", config.dropout},
                                {"input_dropout", config.input_dropout}};
  describe_meaning(info, out);
  describe_file(path, info.training, out);
  return out;
}

nlohmann::ordered_json describe_model(const std::string& path, const std::string& tokenizer) {
  const std::string kind = read_model_kind(path);
  if (kind == "seq2seq") return describe_seq2seq(path);
  if (has_codes(kind)) return describe_vae(path);
  if (kind == "classifier") return describe_classifier(path);
  const std::size_t colon = tokenizer.find(':');
  const ModelFileInfo info =
      read_model_info(path, tokenizer.substr(0, colon),
                      colon == std::string::npos ? "" : tokenizer.substr(colon + 1));
  const LanguageModelConfig& config = info.config;
  nlohmann::ordered_json out = {{"kind", "model"},
                                {"model", "lm"},
                                {"head", name_of(config.head)},
                                {"width", config.width},
                                {"cell", info_of(config.cell).name},
                                {"layers", config.layers},
                                {"hidden", config.hidden},
                                {"embedding", config.embedding}};
  out["dense"] = nlohmann::ordered_json::array();
  for (const DenseConfig& layer : config.dense) {
    out["dense"].push_back(message(layer.units, ":", name_of(layer.activation)));
  }
  if (config.head == Head::nade) out["nade_hidden"] = config.nade_hidden;
  if (!info.labels.empty()) out["labels"] = info.labels;
  out["dropout"] = config.dropout;
  out["input_dropout"] = config.input_dropout;
  describe_meaning(info, out);
  describe_file(path, info.training, out);
  return out;
}

bool holds_pieces(const std::string& path) {
  const SafetensorsReader reader{std::filesystem::path(path)};
  return std::any_of(kSplitNames.begin(), kSplitNames.end(), [&](std::string_view split) {
    return reader.contains(std::string(split) + ".offsets");
  });
}

/// Objects as "key: value" lines, lists of objects as one line each.
void print_lines(const nlohmann::ordered_json& object) {
  for (const auto& [key, value] : object.items()) {
    const bool rows = value.is_array() && !value.empty() && value.front().is_object();
    std::cout << key << ":";
    if (!rows) {
      std::cout << ' ' << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
      continue;
    }
    std::cout << '\n';
    for (const auto& row : value) std::cout << "  " << row.dump() << '\n';
  }
}

}  // namespace

int run_info(std::span<char*> arguments) {
  Arguments options("info", "Say what a model, data or MIDI file holds.");
  std::string file;
  std::string tokenizer;
  bool json = false;
  options.add_operand("file", file, "the file; its kind is told from its content");
  options.add("--tokenizer", tokenizer,
              "NAME[:SETTINGS] for a model file that does not name one, such as PyTorch's");
  options.add("--json", json, "print one JSON object on stdout");
  if (!options.parse(arguments)) return kDone;

  nlohmann::ordered_json found;
  const FileKind kind = file_kind(file);
  if (kind == FileKind::safetensors && !holds_pieces(file)) {
    found = describe_model(file, tokenizer);
  } else if (kind == FileKind::safetensors || kind == FileKind::json || kind == FileKind::npy) {
    found = describe_data(file);
  } else {
    found = describe_midi(file);
  }
  if (json) {
    print_json(found);
  } else {
    print_lines(found);
  }
  return kDone;
}

}  // namespace cadenza::tools
