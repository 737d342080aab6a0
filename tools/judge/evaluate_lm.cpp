// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/gan.h"
#include "cadenza/generator.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/judge/evaluate.h"
#include "tools/judge/music_sets.h"
#include "tools/judge/obedience.h"
#include "tools/judge/voices.h"

namespace cadenza::tools {
namespace {

constexpr std::int64_t kDefaultSteps = 512;

/// How many pieces the discriminator of a gan takes for what they are.
struct ToldApart {
  double real = 0.0;       ///< share of the real pieces
  double generated = 0.0;  ///< the same of the generated ones
};

/// Everything that was found out; `generated` and `copying` only if music was generated, and the
/// comparison if there is enough of it.
struct Findings {
  Likelihood likelihood;
  std::vector<VoiceLikelihood> voices;
  MusicSet data;
  MusicSet generated;
  Copying copying;
  Obedience obedience;
  std::optional<SetComparison> comparison;
  std::optional<ToldApart> told;
};

/// The numbers of a data set mean what the model was trained on, or there is nothing to measure.
void check_match(const LoadedModel& loaded, const Dataset& data, const EvaluateOptions& options) {
  const ModelFileInfo& info = loaded.info;
  check(info.labels.empty() || info.labels == data.labels, options.data, ": has other labels than ",
        options.model.file, " is conditioned on");
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

std::vector<Score> decode(const std::vector<Sequence>& sequences, const Tokenizer& tokenizer) {
  std::vector<Score> scores;
  for (const Sequence& sequence : sequences) scores.push_back(tokenizer.decode(sequence));
  return scores;
}

std::vector<Sequence> sequences_of(const std::vector<Piece>& pieces) {
  std::vector<Sequence> sequences;
  for (const Piece& piece : pieces) sequences.push_back(piece.sequence);
  return sequences;
}

/// Pieces, and what the model was told of each.
struct GeneratedSet {
  std::vector<Sequence> sequences;
  std::vector<std::vector<ConditionValue>> asked;
};

/// Conditions are those of pieces of the data, evenly spread over the split.
GeneratedSet generate(const LoadedModel& loaded, const std::vector<Piece>& pieces,
                      const EvaluateOptions& options) {
  std::vector<std::vector<ConditionValue>> known;  // a piece without a note has no key
  for (const Piece& piece : pieces) {
    if (std::ranges::all_of(piece.conditions, &ConditionValue::known)) {
      known.push_back(piece.conditions);
    }
  }
  check(!known.empty(), options.data, ": no piece has what the model is conditioned on");
  std::map<std::vector<ConditionValue>, std::int64_t> counts;
  for (std::int64_t i = 0; i < options.num_outputs; ++i) {
    ++counts[known[static_cast<std::size_t>(i * std::ssize(known) / options.num_outputs)]];
  }
  GenerationRequest request;
  request.num_steps = options.num_steps > 0 ? options.num_steps : kDefaultSteps;
  request.seed = options.seed;
  const Generator generator(*loaded.model, *loaded.tokenizer);
  GeneratedSet set;
  for (const auto& [conditions, count] : counts) {
    request.num_outputs = count;
    request.conditions = conditions;
    for (Generated& piece : generator.run(request)) {
      set.sequences.push_back(std::move(piece.sequence));
      set.asked.push_back(conditions);
    }
    request.first_sequence += count;
  }
  return set;
}

/// The share of pieces to which the discriminator gives a probability above a half of being what
/// they are.
ToldApart tell_apart(const EvaluateOptions& options, Backend& backend,
                     const std::vector<Sequence>& real, const std::vector<Sequence>& generated) {
  constexpr std::size_t kReal = 1;
  const LoadedGan loaded = load_gan(options.model.file, backend);
  const auto share = [&](const std::vector<Sequence>& pieces, bool expected) {
    double right = 0.0;
    for (const auto& of_piece :
         classify(loaded.model->discriminator(), pieces, options.batch_size)) {
      if ((of_piece[kReal] > 0.5) == expected) right += 1.0;
    }
    return right / static_cast<double>(pieces.size());
  };
  return {.real = share(real, true), .generated = share(generated, false)};
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
    add_voices(out, found.voices);
  }
  out["music"] = {{found.data.key, figures_json(found.data.figures)}};
  if (options.num_outputs > 0) {
    out["music"][found.generated.key] = figures_json(found.generated.figures);
    out["copying"] = {{"longest_run", found.copying.longest},
                      {"window", found.copying.window},
                      {"share", found.copying.share}};
    add_obedience(out, found.obedience);
  }
  if (found.told) {
    out["discriminator"] = {{"real_right", found.told->real},
                            {"generated_right", found.told->generated}};
  }
  if (found.comparison) add_comparison(out, *found.comparison, found.generated, found.data);
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
    print_voices(found.voices);
  }
  std::vector<const MusicSet*> sets = {&found.data};
  if (options.num_outputs > 0) sets.push_back(&found.generated);
  print_figures(sets);
  if (options.num_outputs > 0) {
    std::cout << "longest run copied from the training pieces: " << found.copying.longest
              << " steps; share of runs of " << found.copying.window
              << " steps found there: " << fixed_text(100.0 * found.copying.share, 1) << " %\n";
    print_obedience(found.obedience);
  }
  if (found.told) {
    std::cout << "the discriminator is right about " << fixed_text(100.0 * found.told->real, 1)
              << " % of the real and " << fixed_text(100.0 * found.told->generated, 1)
              << " % of the generated pieces\n";
  }
  if (found.comparison) print_comparison(*found.comparison, found.generated, found.data);
}

enum class Discriminator : std::uint8_t { no, yes };

void evaluate_generator(const EvaluateOptions& options, Discriminator discriminator) {
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedModel loaded = open_model(options.model, *backend);
  Dataset data = load_data(options.data);
  check_match(loaded, data, options);
  data.vocabulary = loaded.info.config.width;  // bare ids may be fewer
  tell_conditions(data, loaded.info.config.conditions);
  const std::vector<Piece>& pieces = pieces_of(data, options);
  Findings found;
  found.likelihood = evaluate(*loaded.model, data, options.split, options.batch_size);
  found.voices = measure_voices(*loaded.model, *loaded.tokenizer, data, options);
  found.data =
      measure_set("data", options.split_name, decode(sequences_of(pieces), *loaded.tokenizer));
  if (options.num_outputs > 0) {
    const GeneratedSet generated = generate(loaded, pieces, options);
    const std::vector<Score> scores = decode(generated.sequences, *loaded.tokenizer);
    found.generated = measure_set("generated", "generated", scores);
    found.copying = measure_copying(generated.sequences, data[Split::train]);
    found.obedience = measure_obedience(loaded.info.config.conditions, generated.asked, scores);
    if (discriminator == Discriminator::yes) {
      found.told = tell_apart(options, *backend, sequences_of(pieces), generated.sequences);
    }
    if (found.generated.features.size() >= 2 && found.data.features.size() >= 2) {
      found.comparison = compare_sets(found.generated, found.data);
    }
  }
  if (!options.png.empty()) {
    if (!found.comparison) throw Error("--png: two pieces with notes in either set are needed");
    draw_comparison(*found.comparison, found.generated, found.data, options.png);
  }
  explain_decisions(options.compute, *backend);
  if (options.json) {
    report_json(found, options, data.step_kind, backend->name());
  } else {
    report_text(found, options, data.step_kind);
  }
}

}  // namespace

void evaluate_language_model(const EvaluateOptions& options) {
  evaluate_generator(options, Discriminator::no);
}

void evaluate_gan(const EvaluateOptions& options) {
  evaluate_generator(options, Discriminator::yes);
}

}  // namespace cadenza::tools
