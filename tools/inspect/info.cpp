// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iostream>

#include "cadenza/error.h"
#include "cadenza/key.h"
#include "cadenza/metrics.h"
#include "cadenza/midi.h"
#include "cadenza/safetensors.h"
#include "cadenza/tempo.h"
#include "io/json.h"
#include "tools/common/arguments.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/kinds/describe.h"
#include "tools/kinds/model_kind.h"
#include "tools/prepare/labels.h"

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
  if (const std::optional<Key> key = estimate_key(score)) {
    out["estimated_key"] = name_of(*key);
    out["density"] = note_density(score);
    out["pitch_classes"] = pitch_class_time(score);
    if (const double tempo = estimate_tempo(score); !std::isnan(tempo)) {
      out["estimated_tempo"] = tempo;
    }
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

nlohmann::ordered_json describe_data(const std::string& path) {
  const Dataset data = load_data(path);
  nlohmann::ordered_json out = {
      {"kind", "data"},
      {"tokenizer", data.tokenizer_name},
      {"tokenizer_settings", data.tokenizer_settings},
      {"steps_are", data.step_kind == StepKind::token ? "tokens" : "frames"},
      {"vocabulary", data.vocabulary}};
  if (data.pairs) out.update(describe_pairs(*data.pairs));
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

nlohmann::ordered_json describe_model(const ModelOptions& model) {
  nlohmann::ordered_json out = kind_of_file(model.file).describe(model);
  out["arrays"] = nlohmann::ordered_json::array();
  const SafetensorsReader reader{std::filesystem::path(model.file)};
  for (const auto& [name, array] : reader.arrays()) {
    out["arrays"].push_back(
        {{"name", name}, {"dtype", name_of(array.dtype)}, {"shape", array.shape}});
  }
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
      std::cout << ' ' << (value.is_string() ? value.get<std::string>() : to_text(value)) << '\n';
      continue;
    }
    std::cout << '\n';
    for (const auto& row : value) std::cout << "  " << to_text(row) << '\n';
  }
}

}  // namespace

int run_info(std::span<char*> arguments) {
  Arguments options("info", "Say what a model, data or MIDI file holds.");
  ModelOptions model;
  const std::string& file = model.file;
  bool json = false;
  options.add_operand("file", model.file, "the file; its kind is told from its content");
  options.add("--tokenizer", model.tokenizer,
              "NAME[:SETTINGS] for a model file that does not name one, such as PyTorch's");
  options.add("--json", json, "print one JSON object on stdout");
  if (!options.parse(arguments)) return kDone;

  nlohmann::ordered_json found;
  const FileKind kind = file_kind(file);
  if (kind == FileKind::safetensors && !holds_pieces(file)) {
    found = describe_model(model);
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
