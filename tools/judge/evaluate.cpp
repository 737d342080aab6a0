// SPDX-License-Identifier: Apache-2.0
#include "tools/judge/evaluate.h"

#include <algorithm>

#include "cadenza/error.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
namespace {

void add_options(Arguments& parser, EvaluateOptions& options) {
  add_model_options(parser, options.model);
  parser.add("--data", options.data,
             "what 'cadenza prepare' wrote, or a .json frame set or .npy array");
  parser.add_choice("--split", options.split_name, "which part of it", {"train", "valid", "test"});
  parser.add("--num-outputs", options.num_outputs,
             "generate so many pieces and compare them with the data; 0: none");
  parser.add("--num-steps", options.num_steps, "steps of each; 0: 512");
  parser.add("--seed", options.seed, "of the generated pieces");
  parser.add("--beam", options.beam,
             "of a seq2seq model: find targets with so many hypotheses and compare them with the "
             "true ones; 0: do not");
  parser.add("--keep", options.keep,
             "of an infiller: tell the likelihood of the other voices given these, as in S");
  parser.add("--png", options.png, "draw how the features of generated and real music lie");
  parser.add("--json", options.json, "print one JSON object on stdout");
  parser.add_settings(Arguments::Presets::no);
  add_compute_options(parser, options.compute);
  parser.add("--batch-size", options.batch_size, "pieces computed together");

  parser.heading("Without a model");
  parser.add("--music", options.music, "MIDI files and folders to judge");
  parser.add("--against", options.against, "real music to compare them with, the same");
  parser.footer(
      "Examples: cadenza evaluate --model run/model.safetensors --data data.safetensors\n"
      "          cadenza evaluate --music out --against ~/my-midi --png features.png");
}

void check_sets(const Arguments& parser) {
  parser.require("--music");
  parser.require("--against");
  if (parser.given("--model") || parser.given("--data")) {
    throw UsageError("--music compares files with --against, without --model and --data");
  }
}

void check_options(const Arguments& parser, const EvaluateOptions& options) {
  parser.require("--model");
  parser.require("--data");
  if (options.batch_size < 1) {
    throw UsageError(message("--batch-size is ", options.batch_size, ", expected 1 or more"));
  }
  if (options.num_outputs < 0 || options.num_steps < 0) {
    throw UsageError("--num-outputs and --num-steps cannot be negative");
  }
  if (options.beam < 0)
    throw UsageError(message("--beam is ", options.beam, ", expected 0 or more"));
  if (parser.given("--png") && options.num_outputs < 2) {
    throw UsageError(message("--png draws what is generated, --num-outputs is ",
                             options.num_outputs, ", expected 2 or more"));
  }
}

}  // namespace

const std::vector<Piece>& pieces_of(const Dataset& data, const EvaluateOptions& options) {
  const std::vector<Piece>& pieces = data[options.split];
  if (!pieces.empty()) return pieces;
  throw ArgumentError(message(options.data, ": the split '", options.split_name, "' has no piece"));
}

int run_evaluate(std::span<char*> arguments) {
  EvaluateOptions options;
  Arguments parser("evaluate", "Measure a model on a data file, or music against real music.");
  add_options(parser, options);
  if (!parser.parse(arguments)) return kDone;
  if (parser.given("--music") || parser.given("--against")) {
    check_sets(parser);
    evaluate_sets(options);
    return kDone;
  }
  check_options(parser, options);
  const auto split = std::find(kSplitNames.begin(), kSplitNames.end(), options.split_name);
  options.split = static_cast<Split>(split - kSplitNames.begin());
  kind_of_file(options.model.file).evaluate(options);
  return kDone;
}

}  // namespace cadenza::tools
