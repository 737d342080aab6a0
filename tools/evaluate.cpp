// SPDX-License-Identifier: Apache-2.0
#include "evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arguments.h"
#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/generator.h"
#include "cadenza/metrics.h"
#include "data_file.h"
#include "json_result.h"
#include "progress.h"

namespace cadenza::tools {
namespace {

constexpr std::int64_t kDefaultSteps = 512;

struct Figure {
  const char* key;
  const char* label;
  double MusicMetrics::*value;
};
constexpr std::array kFigures = {
    Figure{"notes", "notes in a piece", &MusicMetrics::notes},
    Figure{"pitches", "pitches used", &MusicMetrics::pitches},
    Figure{"pitch_range", "pitch range, semitones", &MusicMetrics::pitch_range},
    Figure{"pitch_class_entropy", "pitch-class entropy, bits", &MusicMetrics::pitch_class_entropy},
    Figure{"scale_consistency", "scale consistency", &MusicMetrics::scale_consistency},
    Figure{"polyphony", "polyphony", &MusicMetrics::polyphony},
    Figure{"polyphony_rate", "polyphony rate", &MusicMetrics::polyphony_rate},
    Figure{"groove_consistency", "groove consistency", &MusicMetrics::groove_consistency},
};

/// Everything that was found out; `generated` and `copying` only if music was generated.
struct Findings {
  Likelihood likelihood;
  MusicMetrics data;
  MusicMetrics generated;
  Copying copying;
};

/// The numbers of a data set mean what the model was trained on, or there is nothing to measure.
void check_match(const LoadedModel& loaded, const Dataset& data, const EvaluateOptions& options) {
  const ModelFileInfo& info = loaded.info;
  const bool same_words = info.tokenizer_name == data.tokenizer_name &&
                          info.tokenizer_settings == data.tokenizer_settings;
  const bool frames = data.step_kind == StepKind::frame;
  const bool bare_ids = data.tokenizer_name == "ids" && !frames;
  if (frames == (info.config.step_kind() == StepKind::frame) &&
      (frames ? data.vocabulary == info.config.width
              : same_words || (bare_ids && data.vocabulary <= info.config.width))) {
    return;
  }
  throw ArgumentError(message(options.data, ": holds ", data.tokenizer_name, " steps (",
                              data.tokenizer_settings, ", vocabulary ", data.vocabulary, "), but ",
                              options.model.file, " was trained on ", info.tokenizer_name, " (",
                              info.tokenizer_settings, ", vocabulary ", info.config.width, ")"));
}

MusicMetrics measure_pieces(const std::vector<Sequence>& sequences, const Tokenizer& tokenizer) {
  std::vector<MusicMetrics> metrics;
  for (const Sequence& sequence : sequences) metrics.push_back(measure(tokenizer.decode(sequence)));
  return mean(metrics);
}

std::vector<Sequence> sequences_of(const std::vector<Piece>& pieces) {
  std::vector<Sequence> sequences;
  for (const Piece& piece : pieces) sequences.push_back(piece.sequence);
  return sequences;
}

std::vector<Sequence> generate(const LoadedModel& loaded, const EvaluateOptions& options) {
  GenerationRequest request;
  request.num_outputs = options.num_outputs;
  request.num_steps = options.num_steps > 0 ? options.num_steps : kDefaultSteps;
  request.seed = options.seed;
  std::vector<Sequence> sequences;
  for (Generated& piece : Generator(*loaded.model, *loaded.tokenizer).run(request)) {
    sequences.push_back(std::move(piece.sequence));
  }
  return sequences;
}

void report_json(const Findings& found, const EvaluateOptions& options, StepKind kind,
                 std::string_view backend) {
  const Likelihood& likelihood = found.likelihood;
  nlohmann::ordered_json out = {{"split", options.split_name},
                                {"pieces", likelihood.pieces},
                                {"steps", likelihood.steps},
                                {"backend", backend}};
  if (kind == StepKind::frame) {
    out["nll_per_frame_a"] = likelihood.skip_first;
    out["nll_per_frame_b"] = likelihood.all;
    out["nll_per_frame_c"] = likelihood.piece_mean;
  } else {
    out["nll_per_token"] = likelihood.all;
    out["perplexity"] = std::exp(likelihood.all);
  }
  const auto figures = [](const MusicMetrics& metrics) {
    nlohmann::ordered_json object;
    for (const Figure& figure : kFigures) object[figure.key] = metrics.*figure.value;
    return object;
  };
  out["music"] = {{"data", figures(found.data)}};
  if (options.num_outputs > 0) {
    out["music"]["generated"] = figures(found.generated);
    out["copying"] = {{"longest_run", found.copying.longest},
                      {"window", found.copying.window},
                      {"share", found.copying.share}};
  }
  print_json(out);
}

void report_text(const Findings& found, const EvaluateOptions& options, StepKind kind) {
  const Likelihood& likelihood = found.likelihood;
  std::cout << "split    : " << options.split_name << ", " << likelihood.pieces << " pieces, "
            << likelihood.steps << (kind == StepKind::frame ? " frames\n" : " tokens\n");
  const auto line = [](const std::string& label, double value) {
    std::cout << label << ": " << fixed_text(value, 4) << '\n';
  };
  if (kind == StepKind::frame) {
    line("NLL per frame (a), first frame of a piece skipped", likelihood.skip_first);
    line("NLL per frame (b), first frame counted           ", likelihood.all);
    line("NLL per frame (c), mean of the pieces' means of a", likelihood.piece_mean);
  } else {
    line("NLL per token", likelihood.all);
    line("perplexity   ", std::exp(likelihood.all));
  }
  const bool both = options.num_outputs > 0;
  std::cout << "\nmusic, mean of the pieces         " << options.split_name
            << (both ? "     generated" : "") << '\n';
  for (const Figure& figure : kFigures) {
    std::string row = figure.label;
    row.resize(32, ' ');
    row += fixed_text(found.data.*figure.value, 3);
    row.resize(44, ' ');
    if (both) row += fixed_text(found.generated.*figure.value, 3);
    std::cout << row << '\n';
  }
  if (both) {
    std::cout << "longest run copied from the training pieces: " << found.copying.longest
              << " steps; share of runs of " << found.copying.window
              << " steps found there: " << fixed_text(100.0 * found.copying.share, 1) << " %\n";
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
  Arguments parser("evaluate", "Measure a model on a data file.");
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
  parser.add("--json", options.json, "print one JSON object on stdout");
  parser.add_settings(Arguments::Presets::no);
  add_compute_options(parser, options.compute);
  parser.add("--batch-size", options.batch_size, "pieces computed together");
  parser.footer("Example: cadenza evaluate --model run/model.safetensors --data data.safetensors");
  if (!parser.parse(arguments)) return kDone;
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
  const auto split = std::find(kSplitNames.begin(), kSplitNames.end(), options.split_name);
  options.split = static_cast<Split>(split - kSplitNames.begin());
  const std::string kind = read_model_kind(options.model.file);
  if (kind == "seq2seq") return evaluate_seq2seq(options);
  if (has_codes(kind)) return evaluate_vae(options);

  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedModel loaded = open_model(options.model, *backend);
  Dataset data = load_data(options.data);
  check_match(loaded, data, options);
  data.vocabulary = loaded.info.config.width;  // bare ids may be fewer
  const std::vector<Piece>& pieces = pieces_of(data, options);
  Findings found;
  found.likelihood = evaluate(*loaded.model, data, options.split, options.batch_size);
  found.data = measure_pieces(sequences_of(pieces), *loaded.tokenizer);
  if (options.num_outputs > 0) {
    const std::vector<Sequence> generated = generate(loaded, options);
    found.generated = measure_pieces(generated, *loaded.tokenizer);
    found.copying = measure_copying(generated, data[Split::train]);
  }
  explain_decisions(options.compute, *backend);
  if (options.json) {
    report_json(found, options, data.step_kind, backend->name());
  } else {
    report_text(found, options, data.step_kind);
  }
  return kDone;
}

}  // namespace cadenza::tools
