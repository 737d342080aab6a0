// SPDX-License-Identifier: Apache-2.0
#include "generate.h"

#include <chrono>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "json_result.h"
#include "progress.h"
#include "sampling_options.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

void add_options(Arguments& parser, GenerateOptions& options) {
  GenerationRequest& request = options.request;
  add_model_options(parser, options.model);
  parser.add("--output", options.output, "the folder to write 0000.mid, 0001.mid, ... to");
  parser.add("--num-outputs", request.num_outputs, "how many pieces");
  parser.add("--num-steps", request.num_steps, "tokens or frames of each, after the primer");
  parser.add("--seed", request.seed, "another seed gives other music");
  parser.add("--first-sequence", request.first_sequence,
             "number of the first piece; piece K of a seed is always the same");
  add_format_options(parser, options.formats);
  parser.add("--json", options.json, "print one JSON object on stdout");
  parser.add_settings(Arguments::Presets::no);
  parser.heading("Primer");
  parser.add("--primer-midi", options.primer_midi, "continue this MIDI file");
  parser.add("--primer", options.primer,
             "continue typed notes: pitches of a sixteenth each, -2 prolongs, -1 is a rest");
  parser.add("--primer-steps", options.primer_steps, "steps of the primer to read; 0: all");
  add_sampling_options(parser, options.sampling);
  parser.add("--penalty-window", request.penalty_window, "how many steps are recent");
  parser.add("--label", options.label, "the style, of a model of train --condition label");
  parser.heading("Limits");
  parser.add("--key", options.key, "use the notes of this key alone, as in \"F# minor\"");
  parser.add("--lowest", options.limits.lowest, "lowest MIDI pitch of new notes");
  parser.add("--highest", options.limits.highest, "highest MIDI pitch of new notes");
  parser.heading("Output");
  parser.add("--qpm", options.qpm, "quarters a minute, where the music does not say");
  add_compute_options(parser, options.compute);
  parser.add("--batch-size", request.batch_size, "pieces computed together; never changes them");
}

/// The number of a label, -1 if the model has none.
std::int32_t find_label(const std::string& label, const std::vector<std::string>& labels) {
  if (labels.empty()) {
    check(label.empty(), "--label ", label, ": the model is not conditioned on labels");
    return -1;
  }
  std::string known;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == label) return static_cast<std::int32_t>(i);
    known += (i > 0 ? ", " : "") + labels[i];
  }
  throw ArgumentError(message("--label: expected one of ", known, ", got \"", label, "\""));
}

/// The numbers of --primer as they stand, which is what they mean to a model of bare numbers.
Sequence typed_numbers(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  Sequence primer;
  for (const std::string& item : split_list(text)) {
    primer.tokens.push_back(parse_integer(item, "--primer"));
  }
  return primer;
}

void check_values(GenerateOptions& options) {
  const GenerationRequest& request = options.request;
  const auto at_least = [](std::string_view option, std::int64_t value, std::int64_t least) {
    if (value < least) {
      throw UsageError(message(option, " is ", value, ", expected ", least, " or more"));
    }
  };
  at_least("--num-outputs", request.num_outputs, 1);
  at_least("--num-steps", request.num_steps, 1);
  at_least("--first-sequence", request.first_sequence, 0);
  at_least("--batch-size", request.batch_size, 1);
  at_least("--primer-steps", options.primer_steps, 0);
  at_least("--penalty-window", request.penalty_window, 0);
  check_qpm(options.qpm);
  if (!options.primer.empty() && !options.primer_midi.empty()) {
    throw UsageError("--primer and --primer-midi exclude each other");
  }
  as_usage([&] { pack(options.sampling); });
  typed_numbers(options.primer);
  if (!options.key.empty()) as_usage([&] { options.limits.classes = parse_key(options.key); });
  check_formats(options.formats);
}

Sequence encode_primer(const GenerateOptions& options, const Tokenizer& tokenizer) {
  const bool typed = options.primer_midi.empty();
  if (typed && tokenizer.name() == "ids") return typed_numbers(options.primer);
  const Score score =
      typed ? parse_primer(options.primer) : read_midi_file(options.primer_midi).score;
  std::string reason;
  Sequence primer = tokenizer.encode_primer(score, &reason);
  if (primer.size() == 0) {
    throw ArgumentError(message(typed ? "--primer" : options.primer_midi, ": ", reason));
  }
  return primer;
}

/// The primer as the model's steps; empty if none was asked for.
Sequence read_primer(const GenerateOptions& options, const Tokenizer& tokenizer) {
  if (options.primer.empty() && options.primer_midi.empty()) return {};
  Sequence primer = encode_primer(options, tokenizer);
  if (options.primer_steps > 0) {
    const auto most = static_cast<std::size_t>(options.primer_steps);
    primer.tokens.resize(std::min(most, primer.tokens.size()));
    primer.frames.resize(std::min(most, primer.frames.size()));
  }
  return primer;
}

void explain(const GenerationPlan& plan) {
  std::cerr << "plan     : " << plan.kernel << ": " << plan.reason << "; workspace "
            << short_count(static_cast<double>(plan.workspace_bytes)) << "B\n";
  for (const std::string& refusal : plan.refused) std::cerr << "refused  : " << refusal << '\n';
}

std::vector<Generated> generate(const Generator& generator, const GenerationRequest& request,
                                double& seconds) {
  Progress progress("generating");
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::vector<Generated> generated =
      generator.run(request, [&](std::int64_t done, std::int64_t total) {
        const auto steps = static_cast<double>(done);
        progress.update(steps / static_cast<double>(total),
                        short_count(steps / elapsed()) + " steps/s");
      });
  seconds = elapsed();
  return generated;
}

}  // namespace

void report(const Products& products, const GenerationWork& work, const GenerateOptions& options,
            const std::string& kernel, std::string_view backend) {
  const double rate = static_cast<double>(work.tokens) / work.seconds;
  const double note_rate = static_cast<double>(products.notes) / work.seconds;
  if (options.json) {
    print_json({{"files", products.files},
                {"pictures", products.pictures},
                {"audio", products.audio},
                {"tokens", work.tokens},
                {"notes", products.notes},
                {"seconds", work.seconds},
                {"tokens_per_second", rate},
                {"notes_per_second", note_rate},
                {"kernel", kernel},
                {"backend", backend}});
    return;
  }
  std::cout << "generated: " << products.files.size() << " pieces, " << work.tokens << " steps, "
            << products.notes << " notes in " << fixed_text(work.seconds, 2)
            << " s: " << short_count(rate) << " steps/s, " << short_count(note_rate) << " notes/s ("
            << backend << ", " << kernel << ")\n";
  products.report();
}

int run_generate(std::span<char*> arguments) {
  GenerateOptions options;
  Arguments parser("generate", "Write new music with a model.");
  add_options(parser, options);
  parser.footer(
      "Example: cadenza generate --model run/model.safetensors --num-outputs 16 "
      "--primer-midi mine.mid --output music --png");
  if (!parser.parse(arguments)) return kDone;
  parser.require("--model");
  parser.require("--output");
  check_values(options);
  if (has_codes(read_model_kind(options.model.file))) {
    for (const char* option : {"--num-steps", "--primer", "--primer-midi", "--primer-steps",
                               "--repetition-penalty", "--frequency-penalty", "--presence-penalty",
                               "--label", "--key", "--lowest", "--highest"}) {
      if (!parser.given(option)) continue;
      throw UsageError(message(option, " does not apply to a model that decodes whole pieces"));
    }
    return generate_from_codes(options);
  }

  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedModel loaded = open_model(options.model, *backend);
  options.request.sampling = {options.sampling};
  if (!options.limits.all()) {
    options.request.allowed = allowed_tokens(*loaded.tokenizer, options.limits);
  }
  options.request.label = find_label(options.label, loaded.info.labels);
  options.request.primer = read_primer(options, *loaded.tokenizer);
  make_folder(options.output);

  const Generator generator(*loaded.model, *loaded.tokenizer);
  const GenerationPlan plan = generator.plan(options.request);
  if (options.compute.explain) explain(plan);
  Products products;
  GenerationWork work;
  const std::vector<Generated> generated = generate(generator, options.request, work.seconds);
  for (const Generated& piece : generated) {
    work.tokens += static_cast<std::int64_t>(piece.sequence.size() - options.request.primer.size());
    products.write(loaded.tokenizer->decode(piece.sequence, options.qpm),
                   fs::path(options.output) / numbered_name(piece.number), options.formats);
  }
  explain_decisions(options.compute, *backend);
  report(products, work, options, plan.kernel, backend->name());
  return kDone;
}

}  // namespace cadenza::tools
