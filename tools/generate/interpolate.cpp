// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/vae.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/generate/label_choice.h"
#include "tools/generate/opening.h"
#include "tools/generate/products.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

struct InterpolateOptions {
  std::string model;
  std::string from;
  std::string to;
  std::string output;
  int steps = 7;
  int bars = 0;
  int fit = FitRequest().updates;
  std::string label;
  double qpm = 120.0;
  PieceFormats formats;
  ComputeOptions compute;
  bool json = false;
};

/// Share of places with the same token, of the longer piece.
double likeness(const Sequence& a, const Sequence& b) {
  std::size_t same = 0;
  for (std::size_t t = 0; t < std::min(a.tokens.size(), b.tokens.size()); ++t) {
    if (a.tokens[t] == b.tokens[t]) ++same;
  }
  return static_cast<double>(same) / static_cast<double>(std::max(a.size(), b.size()));
}

void check_values(const InterpolateOptions& options) {
  if (options.steps < 2) {
    throw UsageError(message("--steps is ", options.steps, ", expected 2 or more"));
  }
  check_bars(options.bars);
  check_fit(options.fit);
  check_qpm(options.qpm);
  check_formats(options.formats);
}

void report(const Products& products, const std::vector<Sequence>& path,
            const std::array<Opening, 2>& ends, const InterpolateOptions& options,
            std::string_view backend) {
  std::vector<double> like_from;
  std::vector<double> like_to;
  for (const Sequence& piece : path) {
    like_from.push_back(likeness(piece, ends[0].piece));
    like_to.push_back(likeness(piece, ends[1].piece));
  }
  if (options.json) {
    print_json({{"files", products.files},
                {"pictures", products.pictures},
                {"audio", products.audio},
                {"bars", {ends[0].bars, ends[1].bars}},
                {"like_from", like_from},
                {"like_to", like_to},
                {"notes", products.notes},
                {"backend", backend}});
    return;
  }
  const auto percent = [](double share) { return fixed_text(100.0 * share, 1) + " %"; };
  std::cout << "read     : " << ends[0].bars << " bars of " << options.from << ", " << ends[1].bars
            << " of " << options.to << '\n';
  for (std::size_t i = 0; i < path.size(); ++i) {
    std::cout << products.files[i] << ": " << percent(like_from[i]) << " of the tokens as in "
              << options.from << ", " << percent(like_to[i]) << " as in " << options.to << '\n';
  }
  products.report();
}

}  // namespace

int run_interpolate(std::span<char*> arguments) {
  InterpolateOptions options;
  Arguments parser("interpolate", "Go from one piece to another through the codes of a vae.");
  parser.add("--model", options.model, "a model of train --model vae or autoencoder");
  parser.add("--from", options.from, "the MIDI file to begin with");
  parser.add("--to", options.to, "the MIDI file to end with");
  parser.add("--steps", options.steps, "how many pieces to write, both ends among them");
  add_opening_option(parser, options.bars);
  add_fit_option(parser, options.fit);
  parser.add("--label", options.label, "the style, of a model of train --condition label");
  parser.add("--output", options.output, "the folder to write 0000.mid, 0001.mid, ... to");
  parser.add("--qpm", options.qpm, "quarters a minute, where the music does not say");
  add_format_options(parser, options.formats);
  parser.add("--json", options.json, "print one JSON object on stdout");
  parser.add_settings(Arguments::Presets::no);
  add_compute_options(parser, options.compute);
  parser.footer(
      "Example: cadenza interpolate --model run/model.safetensors --from a.mid --to b.mid "
      "--steps 9 --output way --png");
  if (!parser.parse(arguments)) return kDone;
  for (const char* option : {"--model", "--from", "--to", "--output"}) parser.require(option);
  check_values(options);

  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedVae loaded = load_vae(options.model, *backend);
  const std::int32_t label = choose_label("--label", options.label, loaded.info.labels);
  const std::array<Opening, 2> ends = {read_opening(options.from, loaded, options.bars),
                                       read_opening(options.to, loaded, options.bars)};
  const std::vector<Code> codes = fit_codes(
      *loaded.model, std::array{ends[0].piece, ends[1].piece},
      {.labels = std::vector<std::int32_t>(label < 0 ? 0 : 2, label), .updates = options.fit});
  std::vector<Code> between;
  for (int i = 0; i < options.steps; ++i) {
    between.push_back(
        interpolate(codes[0], codes[1], static_cast<double>(i) / (options.steps - 1)));
  }
  const std::vector<std::int32_t> labels(label < 0 ? 0 : between.size(), label);
  const std::vector<Sequence> path = decode(*loaded.model, between, {.labels = labels});
  make_folder(options.output);
  Products products;
  for (std::size_t i = 0; i < path.size(); ++i) {
    products.write(loaded.tokenizer->decode(path[i], options.qpm),
                   fs::path(options.output) / numbered_name(static_cast<std::int64_t>(i)),
                   options.formats);
  }
  explain_decisions(options.compute, *backend);
  report(products, path, ends, options, backend->name());
  return kDone;
}

}  // namespace cadenza::tools
