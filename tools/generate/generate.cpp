// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/generate.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/generate/sampling_options.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
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
  parser.add(
      "--first-step", request.first_step,
      "number of the first new step: piece K of a seed, read as the primer up to step N, goes "
      "on as it did");
  add_sampling_options(parser, options.sampling);
  parser.add("--penalty-window", request.penalty_window, "how many steps are recent");
  add_condition_options(parser, options.conditions);
  parser.heading("Limits");
  parser.add("--key", options.key, "use the notes of this key alone, as in \"F# minor\"");
  parser.add("--lowest", options.limits.lowest, "lowest MIDI pitch of new notes");
  parser.add("--highest", options.limits.highest, "highest MIDI pitch of new notes");
  parser.heading("Notes as numbers");
  parser.add("--grid", options.scoring.grid,
             "so many positions a quarter, to which notes are moved; 0: none");
  parser.add("--quarters", options.scoring.quarters, "the music ends after so many");
  parser.heading("Output");
  parser.add("--qpm", options.scoring.qpm, "quarters a minute, where the music does not say");
  add_compute_options(parser, options.compute);
  parser.add("--batch-size", request.batch_size, "pieces computed together; never changes them");
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
  at_least("--first-step", request.first_step, 0);
  at_least("--batch-size", request.batch_size, 1);
  at_least("--primer-steps", options.primer_steps, 0);
  at_least("--penalty-window", request.penalty_window, 0);
  at_least("--grid", options.scoring.grid, 0);
  if (!(options.scoring.quarters > 0.0)) {
    throw UsageError(message("--quarters is ", options.scoring.quarters, ", expected more than 0"));
  }
  check_qpm(options.scoring.qpm);
  if (!options.primer.empty() && !options.primer_midi.empty()) {
    throw UsageError("--primer and --primer-midi exclude each other");
  }
  as_usage([&] { pack(options.sampling); });
  typed_numbers(options.primer);
  check_condition_options(options.conditions);
  if (!options.key.empty()) as_usage([&] { options.limits.classes = parse_key(options.key); });
  check_formats(options.formats);
}

}  // namespace

Sequence typed_numbers(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  Sequence primer;
  for (const std::string& item : split_list(text)) {
    primer.tokens.push_back(parse_integer(item, "--primer"));
  }
  return primer;
}

void refuse_scoring(const Arguments& parser) {
  parser.refuse({"--grid", "--quarters"},
                "is for models that make notes as numbers, this one has tokens");
}

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
  const ModelKind& kind = kind_of_file(options.model.file);
  check(kind.generate != nullptr, options.model.file, ": is of the kind ", kind.names.front(),
        ", which ", kind.instead);
  kind.generate(parser, options);
  return kDone;
}

}  // namespace cadenza::tools
