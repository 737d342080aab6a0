// SPDX-License-Identifier: Apache-2.0
#include "cadenza/transform.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/generate/products.h"
#include "tools/generate/sampling_options.h"
#include "tools/generate/song.h"
#include "tools/prepare/bars.h"
#include "tools/prepare/corpus.h"
#include "tools/prepare/pairs.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

struct TransformOptions {
  std::string model;
  ComputeOptions compute;
  std::vector<std::string> inputs;
  std::string output;
  TransformRequest request;
  std::int64_t num_outputs = 1;
  bool target_only = false;
  PieceFormats formats;
  bool json = false;
};

/// A file to transform: parts of some bars, as the model reads them.
struct Input {
  std::string name;  ///< without folder and suffix
  Score score;       ///< tempo, metre and key
  std::vector<std::int64_t> starts;
  std::vector<Sequence> parts;
};

void add_options(Arguments& parser, TransformOptions& options) {
  parser.add("--model", options.model, "a model of train --model seq2seq");
  parser.add("--input", options.inputs, "MIDI files, or folders of them");
  parser.add("--output", options.output, "the folder to write to, under the names of the inputs");
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

Input read_input(const fs::path& path, const LoadedSeq2Seq& loaded) {
  const PairInfo& pairs = loaded.info.pairs;
  Input input = {.name = path.stem().string(), .score = {}, .starts = {}, .parts = {}};
  try {
    input.score = only_track(read_midi_file(path).score, pairs.track);
    const std::vector<std::int64_t> lines = bar_lines(input.score, 1);
    std::string reason = "holds no notes";
    for (const BarSpan& span : bar_spans(sounding_bars(input.score, lines), pairs.bars)) {
      Sequence part = loaded.source_tokenizer->encode_primer(
          cut(input.score, lines[span.begin], lines[span.end]), &reason);
      if (part.size() == 0) continue;
      input.starts.push_back(lines[span.begin]);
      input.parts.push_back(std::move(part));
    }
    if (input.parts.empty()) throw ArgumentError(reason);
  } catch (const ArgumentError& error) {
    throw ArgumentError(message(path.string(), ": ", error.what()));
  }
  return input;
}

std::vector<Input> read_inputs(const TransformOptions& options, const LoadedSeq2Seq& loaded) {
  std::vector<Input> inputs;
  std::set<std::string> names;
  for (const fs::path& path : collect_files(options.inputs)) {
    inputs.push_back(read_input(path, loaded));
    if (names.insert(inputs.back().name).second) continue;
    throw ArgumentError(message("two inputs are called ", inputs.back().name,
                                ", their outputs would have the same name"));
  }
  return inputs;
}

/// Every part of every version of every input, in this order.
std::vector<Transformed> transform_all(Seq2Seq& model, const std::vector<Input>& inputs,
                                       const TransformOptions& options) {
  std::vector<Sequence> sources;
  for (const Input& input : inputs) {
    for (std::int64_t version = 0; version < options.num_outputs; ++version) {
      sources.insert(sources.end(), input.parts.begin(), input.parts.end());
    }
  }
  Progress progress("transforming");
  return transform(model, sources, options.request, [&](std::int64_t done, std::int64_t total) {
    progress.update(static_cast<double>(done) / static_cast<double>(total),
                    message(done, " of ", total, " parts"));
  });
}

Score assemble(const Input& input, std::span<const Transformed> parts, const LoadedSeq2Seq& loaded,
               bool target_only) {
  Song song(input.score);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!target_only) {
      song.add("source", loaded.source_tokenizer->decode(input.parts[i]), input.starts[i]);
    }
    song.add("target", loaded.tokenizer->decode(parts[i].sequence), input.starts[i]);
  }
  return song.finish();
}

void report(const Products& products, const std::vector<Transformed>& parts,
            const TransformOptions& options, std::string_view backend) {
  double log_probability = 0.0;
  std::int64_t tokens = 0;
  std::int64_t unfinished = 0;
  for (const Transformed& part : parts) {
    log_probability += part.log_probability;
    tokens += static_cast<std::int64_t>(part.sequence.size()) + (part.ended ? 1 : 0);
    unfinished += part.ended ? 0 : 1;
  }
  const double nll = -log_probability / static_cast<double>(tokens);
  if (options.json) {
    print_json({{"files", products.files},
                {"pictures", products.pictures},
                {"audio", products.audio},
                {"parts", parts.size()},
                {"unfinished", unfinished},
                {"tokens", tokens},
                {"notes", products.notes},
                {"nll_per_token", nll},
                {"backend", backend}});
    return;
  }
  if (unfinished > 0) {
    std::cerr << "note     : " << unfinished << " of " << parts.size()
              << " parts had no end within --num-steps " << options.request.num_steps << '\n';
  }
  std::cout << "transformed: " << parts.size() << " parts into " << tokens << " tokens, "
            << fixed_text(nll, 3) << " nats each (" << backend << ")\n";
  products.report();
}

}  // namespace

int run_transform(std::span<char*> arguments) {
  TransformOptions options;
  Arguments parser("transform", "Turn music into other music with a seq2seq model.");
  add_options(parser, options);
  parser.footer(
      "Example: cadenza transform --model run/model.safetensors --input tune.mid --output music");
  if (!parser.parse(arguments)) return kDone;
  parser.require("--model");
  parser.require("--input");
  parser.require("--output");
  check_values(options);

  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedSeq2Seq loaded = load_seq2seq(options.model, *backend);
  const std::vector<Input> inputs = read_inputs(options, loaded);
  make_folder(options.output);
  const std::vector<Transformed> parts = transform_all(*loaded.model, inputs, options);

  Products products;
  std::span<const Transformed> rest(parts);
  for (const Input& input : inputs) {
    for (std::int64_t version = 0; version < options.num_outputs; ++version) {
      const std::string name =
          options.num_outputs == 1 ? input.name : message(input.name, "-", version);
      products.write(assemble(input, rest.first(input.parts.size()), loaded, options.target_only),
                     fs::path(options.output) / name, options.formats);
      rest = rest.subspan(input.parts.size());
    }
  }
  explain_decisions(options.compute, *backend);
  report(products, parts, options, backend->name());
  return kDone;
}

}  // namespace cadenza::tools
