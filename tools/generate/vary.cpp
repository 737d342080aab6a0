// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/vae.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/generate/label_choice.h"
#include "tools/generate/opening.h"
#include "tools/generate/products.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

struct VaryOptions {
  std::string model;
  std::string data;
  std::string input;
  std::string attribute = "notes";
  std::string amounts = "-2,-1,0,1,2";
  std::string output;
  int bars = 0;
  int fit = FitRequest().updates;
  std::string label;
  double qpm = 120.0;
  PieceFormats formats;
  ComputeOptions compute;
  bool json = false;
};

double count_notes(const Score& score) { return static_cast<double>(score.note_count()); }

double mean_pitch(const Score& score) {
  double sum = 0.0;
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) sum += note.pitch;
  }
  return score.note_count() == 0 ? 0.0 : sum / count_notes(score);
}

double pitch_range(const Score& score) {
  int lowest = 127;
  int highest = 0;
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      lowest = std::min<int>(lowest, note.pitch);
      highest = std::max<int>(highest, note.pitch);
    }
  }
  return std::max(highest - lowest, 0);
}

struct Attribute {
  std::string_view name;
  double (*measure)(const Score& score);
};
constexpr std::array kAttributes = {Attribute{"notes", count_notes}, Attribute{"pitch", mean_pitch},
                                    Attribute{"range", pitch_range}};

constexpr std::size_t kPieces = 4000;  // of the data, spread over it: enough for a mean

std::vector<std::string> attribute_names() {
  std::vector<std::string> names;
  for (const Attribute& attribute : kAttributes) names.emplace_back(attribute.name);
  return names;
}

std::vector<double> parse_amounts(const std::string& text) {
  std::vector<double> amounts;
  for (const std::string& item : split_list(text)) {
    amounts.push_back(parse_number(item, "--amounts"));
  }
  if (amounts.empty()) throw UsageError("--amounts is empty");
  return amounts;
}

/// The direction of the attribute among the training pieces.
Code find_direction(const LoadedVae& loaded, const Attribute& attribute,
                    const VaryOptions& options) {
  const Dataset data = load_data(options.data);
  if (data.tokenizer_name != loaded.info.tokenizer_name ||
      data.tokenizer_settings != loaded.info.tokenizer_settings) {
    throw ArgumentError(message(options.data, ": holds ", data.tokenizer_name, " steps (",
                                data.tokenizer_settings, "), but ", options.model,
                                " was trained on ", loaded.info.tokenizer_name, " (",
                                loaded.info.tokenizer_settings, ")"));
  }
  loaded.model->check_data(data);
  std::vector<Sequence> pieces;
  std::vector<double> values;
  const std::vector<Piece>& all = data[Split::train];
  for (std::size_t i = 0; i < all.size(); i += 1 + all.size() / kPieces) {
    pieces.push_back(all[i].sequence);
    values.push_back(attribute.measure(loaded.tokenizer->decode(all[i].sequence)));
  }
  return attribute_direction(encode(*loaded.model, pieces), values);
}

void report(const Products& products, const std::vector<double>& values, const Opening& opening,
            const VaryOptions& options, std::string_view backend) {
  if (options.json) {
    print_json({{"files", products.files},
                {"pictures", products.pictures},
                {"audio", products.audio},
                {"attribute", options.attribute},
                {"amounts", parse_amounts(options.amounts)},
                {"values", values},
                {"bars", opening.bars},
                {"backend", backend}});
    return;
  }
  const std::vector<double> amounts = parse_amounts(options.amounts);
  std::cout << "read     : " << opening.bars << " bars of " << options.input << '\n';
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::cout << products.files[i] << ": " << options.attribute << ' ' << fixed_text(values[i], 2)
              << " (amount " << fixed_text(amounts[i], 2) << ")\n";
  }
  products.report();
}

}  // namespace

int run_vary(std::span<char*> arguments) {
  VaryOptions options;
  Arguments parser("vary", "Write versions of a piece with more or less of an attribute.");
  parser.add("--model", options.model, "a model of train --model vae or autoencoder");
  parser.add("--data", options.data, "pieces that show what the attribute does to codes");
  parser.add("--input", options.input, "the MIDI file to vary");
  add_opening_option(parser, options.bars);
  add_fit_option(parser, options.fit);
  parser.add("--label", options.label, "the style, of a model of train --condition label");
  parser.add_choice("--attribute", options.attribute,
                    "number of notes, mean pitch, or range from the lowest to the highest",
                    attribute_names());
  parser.add("--amounts", options.amounts,
             "how far to go, a version each; 1: from few to many of the data");
  parser.add("--output", options.output, "the folder to write 0000.mid, 0001.mid, ... to");
  parser.add("--qpm", options.qpm, "quarters a minute, where the music does not say");
  add_format_options(parser, options.formats);
  parser.add("--json", options.json, "print one JSON object on stdout");
  parser.add_settings(Arguments::Presets::no);
  add_compute_options(parser, options.compute);
  parser.footer(
      "Example: cadenza vary --model run/model.safetensors --data data.safetensors --input a.mid "
      "--attribute pitch --amounts -1,1 --output varied");
  if (!parser.parse(arguments)) return kDone;
  for (const char* option : {"--model", "--data", "--input", "--output"}) parser.require(option);
  const std::vector<double> amounts = parse_amounts(options.amounts);
  check_bars(options.bars);
  check_fit(options.fit);
  check_qpm(options.qpm);
  check_formats(options.formats);
  const Attribute& attribute =
      *std::find_if(kAttributes.begin(), kAttributes.end(),
                    [&](const Attribute& row) { return row.name == options.attribute; });

  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedVae loaded = load_vae(options.model, *backend);
  const std::int32_t label = choose_label("--label", options.label, loaded.info.labels);
  const Opening opening = read_opening(options.input, loaded, options.bars);
  const Code direction = find_direction(loaded, attribute, options);
  const Code code = fit_codes(
      *loaded.model, std::array{opening.piece},
      {.labels = std::vector<std::int32_t>(label < 0 ? 0 : 1, label), .updates = options.fit})[0];
  std::vector<Code> codes;
  for (const double amount : amounts) codes.push_back(moved(code, direction, amount));
  const std::vector<std::int32_t> labels(label < 0 ? 0 : codes.size(), label);
  const std::vector<Sequence> versions = decode(*loaded.model, codes, {.labels = labels});

  make_folder(options.output);
  Products products;
  std::vector<double> values;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Score score = loaded.tokenizer->decode(versions[i], options.qpm);
    values.push_back(attribute.measure(score));
    products.write(score, fs::path(options.output) / numbered_name(static_cast<std::int64_t>(i)),
                   options.formats);
  }
  explain_decisions(options.compute, *backend);
  report(products, values, opening, options, backend->name());
  return kDone;
}

}  // namespace cadenza::tools
