// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/transform.h"

#include <algorithm>
#include <set>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/generate/sampling_options.h"
#include "tools/kinds/model_kind.h"
#include "tools/prepare/bars.h"
#include "tools/prepare/corpus.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

void add_options(Arguments& parser, TransformOptions& options) {
  parser.add("--model", options.model,
             "a model of train --model seq2seq, or of vae with --condition label");
  parser.add("--input", options.inputs, "MIDI files, or folders of them");
  parser.add("--output", options.output, "the folder to write to, under the names of the inputs");
  parser.add("--to-style", options.to_style,
             "with a vae: the label of the style to play the input in");
  parser.add("--num-outputs", options.num_outputs, "versions of each input");
  parser.add("--num-steps", options.request.num_steps, "tokens of each part at most");
  parser.add("--beam", options.request.beam,
             "search for the likeliest with so many hypotheses; 1: greedy; 0: draw");
  parser.add("--seed", options.request.seed, "another seed draws other music");
  parser.add("--first-sequence", options.request.first_sequence,
             "number of the first part; draw K of a seed is always the same");
  parser.add("--target-only", options.target_only, "write the new music without its source");
  add_format_options(parser, options.formats);
  parser.add("--json", options.json, "print one JSON object on stdout");
  parser.add_settings(Arguments::Presets::no);
  add_sampling_options(parser, options.request.sampling);
  add_compute_options(parser, options.compute);
  parser.add("--batch-size", options.request.batch_size, "parts computed together");
}

void check_values(const TransformOptions& options) {
  const TransformRequest& request = options.request;
  const auto within = [](std::string_view option, std::int64_t value, std::int64_t least) {
    if (value < least) {
      throw UsageError(message(option, " is ", value, ", expected ", least, " or more"));
    }
  };
  within("--num-outputs", options.num_outputs, 1);
  within("--num-steps", request.num_steps, 1);
  within("--first-sequence", request.first_sequence, 0);
  within("--batch-size", request.batch_size, 1);
  within("--beam", request.beam, 0);
  if (request.beam > 0 && options.num_outputs > 1) {
    throw UsageError("--beam finds one version, --num-outputs asks for more");
  }
  as_usage([&] { pack(request.sampling); });
  check_formats(options.formats);
}

TransformInput read_input(const fs::path& path, const PartReader& reader) {
  TransformInput input = {.name = path.stem().string()};
  try {
    input.score = only_track(read_midi_file(path).score, reader.track);
    const std::vector<std::int64_t> lines = bar_lines(input.score, 1);
    std::string reason = "holds no notes";
    for (const BarSpan& span : bar_spans(sounding_bars(input.score, lines), reader.bars)) {
      Sequence part = reader.tokenizer.encode_primer(
          cut(input.score, lines[span.begin], lines[span.end]), &reason);
      if (part.size() == 0) continue;
      check(reader.most == 0 || static_cast<std::int64_t>(part.size()) <= reader.most, "the ",
            span.end - span.begin, " bars from bar ", span.begin + 1, " have ", part.size(),
            " tokens, the model takes up to ", reader.most);
      input.starts.push_back(lines[span.begin]);
      input.bars.push_back(span.begin);
      input.parts.push_back(std::move(part));
    }
    if (input.parts.empty()) throw ArgumentError(reason);
  } catch (const ArgumentError& error) {
    throw ArgumentError(message(path.string(), ": ", error.what()));
  }
  return input;
}

}  // namespace

std::vector<TransformInput> read_inputs(const std::vector<std::string>& inputs,
                                        const PartReader& reader) {
  std::vector<TransformInput> read;
  std::set<std::string> names;
  for (const fs::path& path : collect_files(inputs)) {
    read.push_back(read_input(path, reader));
    if (names.insert(read.back().name).second) continue;
    throw ArgumentError(message("two inputs are called ", read.back().name,
                                ", their outputs would have the same name"));
  }
  return read;
}

std::string version_name(const TransformInput& input, std::int64_t version,
                         const TransformOptions& options) {
  return options.num_outputs == 1 ? input.name : message(input.name, "-", version);
}

int run_transform(std::span<char*> arguments) {
  TransformOptions options;
  Arguments parser("transform", "Turn music into other music.");
  add_options(parser, options);
  parser.footer(
      "Examples: cadenza transform --model harmonise/model.safetensors --input tune.mid "
      "--output music\n"
      "          cadenza transform --model styles/model.safetensors --input jig.mid "
      "--to-style reels --beam 1 --output music");
  if (!parser.parse(arguments)) return kDone;
  parser.require("--model");
  parser.require("--input");
  parser.require("--output");
  check_values(options);
  const ModelKind& kind = kind_of_file(options.model);
  check(kind.transform != nullptr, options.model, ": is a ", kind.names.front(),
        " model, which transforms nothing; expected seq2seq or vae");
  kind.transform(parser, options);
  return kDone;
}

}  // namespace cadenza::tools
