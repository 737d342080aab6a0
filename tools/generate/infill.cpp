// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/infill.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/generate/sampling_options.h"
#include "tools/kinds/model_kind.h"
#include "tools/prepare/corpus.h"

namespace cadenza::tools {
namespace {

void add_options(Arguments& parser, InfillOptions& options) {
  add_model_options(parser, options.model);
  parser.add("--input", options.input, "the MIDI file to fill in");
  parser.add("--output", options.output, "the folder to write 0000.mid, 0001.mid, ... to");
  parser.add("--bars", options.bars, "bars to write anew, as in 5-8; all if nothing is said");
  parser.add("--track", options.track, "only tracks of this name; the others stay");
  parser.add("--num-outputs", options.num_outputs, "how many versions");
  parser.add("--seed", options.seed, "another seed gives other music");
  parser.add("--first-sequence", options.first_sequence,
             "number of the first version; version K of a seed is always the same");
  add_format_options(parser, options.formats);
  parser.add("--json", options.json, "print one JSON object on stdout");
  parser.add_settings(Arguments::Presets::no);
  add_sampling_options(parser, options.sampling);

  parser.heading("With a model of train --model infiller");
  parser.add("--voices", options.voices, "voices to write anew, as in ATB; all if nothing is said");
  parser.add("--keep", options.keep, "voices that stay, as in S, instead of --voices");
  parser.add("--length", options.length, "without --input: so many bars of new music, in 4/4");
  parser.add("--sweeps", options.grid.sweeps, "how often every place is drawn");
  parser.add("--spacing", options.grid.spacing,
             "places of a voice drawn at once lie so many steps apart; 1: whole voices");
  parser.add("--start-temperature", options.grid.start_temperature,
             "of the first sweep; it falls to --temperature in the last");
  parser.add("--qpm", options.qpm, "quarters a minute of music of --length");

  parser.heading("With a language model");
  parser.add("--candidates", options.resampling.candidates,
             "continuations drawn for each version, of which what follows chooses one");
  parser.add("--horizon", options.resampling.horizon, "tokens behind the bars that choose");
  add_condition_options(parser, options.conditions);
  add_compute_options(parser, options.compute);
  parser.add("--batch-size", options.batch_size,
             "versions computed together, or candidates; 0: 16, or 64; never changes them");
}

struct Bars {
  int first = 1;
  int last = 1;
};

/// "5-8" or "5".
Bars parse_bars(const std::string& text) {
  const std::size_t dash = text.find('-');
  Bars bars;
  bars.first = parse_integer(text.substr(0, dash), "--bars");
  bars.last =
      dash == std::string::npos ? bars.first : parse_integer(text.substr(dash + 1), "--bars");
  if (bars.first < 1 || bars.last < bars.first) {
    throw UsageError(message("--bars is ", text, ", expected FIRST-LAST, with 1 <= FIRST <= LAST"));
  }
  return bars;
}

void check_values(const Arguments& parser, const InfillOptions& options) {
  const auto at_least = [](std::string_view option, std::int64_t value, std::int64_t least) {
    if (value < least) {
      throw UsageError(message(option, " is ", value, ", expected ", least, " or more"));
    }
  };
  at_least("--num-outputs", options.num_outputs, 1);
  at_least("--first-sequence", options.first_sequence, 0);
  at_least("--batch-size", options.batch_size, 0);
  at_least("--sweeps", options.grid.sweeps, 1);
  at_least("--spacing", options.grid.spacing, 1);
  at_least("--candidates", options.resampling.candidates, 1);
  at_least("--horizon", options.resampling.horizon, 1);
  at_least("--length", options.length, 0);
  check_qpm(options.qpm);
  if (!options.bars.empty()) parse_bars(options.bars);
  if (parser.given("--voices") && parser.given("--keep")) {
    throw UsageError("--voices and --keep exclude each other");
  }
  if (parser.given("--length") == parser.given("--input")) {
    throw UsageError("expected either --input, music to fill in, or --length, bars to write");
  }
  for (const char* option : {"--bars", "--track", "--voices", "--keep"}) {
    if (parser.given("--length") && parser.given(option)) {
      throw UsageError(message(option, " speaks of an --input, there is none"));
    }
  }
  as_usage([&] { pack(options.sampling); });
  check_condition_options(options.conditions);
  check_formats(options.formats);
}

}  // namespace

InfillInput read_infill_input(const InfillOptions& options) {
  try {
    InfillInput input;
    input.whole = read_midi_file(options.input).score;
    check(input.whole.note_count() > 0, "holds no notes");
    input.subject = only_track(input.whole, options.track);
    const std::vector<std::int64_t> lines = bar_lines(input.subject, 1);
    input.end = lines.back();
    if (options.bars.empty()) return input;
    const Bars bars = parse_bars(options.bars);
    const auto count = static_cast<int>(lines.size()) - 1;
    check(bars.last <= count, "has ", count, " bars, --bars asks for ", options.bars);
    input.begin = lines[static_cast<std::size_t>(bars.first) - 1];
    input.end = lines[static_cast<std::size_t>(bars.last)];
    return input;
  } catch (const ArgumentError& error) {
    throw ArgumentError(message(options.input, ": ", error.what()));
  }
}

Score InfillInput::joined(const Score& filled) const {
  Score result = whole;
  std::size_t next = 0;
  for (Track& track : result.tracks) {
    if (next < subject.tracks.size() && track == subject.tracks[next]) {
      std::string name = std::move(track.name);  // a melody may have been called a voice
      track = filled.tracks[next++];
      track.name = std::move(name);
    }
  }
  result.tracks.insert(result.tracks.end(),
                       filled.tracks.begin() + static_cast<std::ptrdiff_t>(next),
                       filled.tracks.end());
  return result;
}

void finish_infill(const std::vector<Score>& scores, const InfillWork& work,
                   const InfillOptions& options, std::string_view backend) {
  make_folder(options.output);
  Products products;
  for (std::size_t k = 0; k < scores.size(); ++k) {
    const std::int64_t number = options.first_sequence + static_cast<std::int64_t>(k);
    products.write(scores[k], std::filesystem::path(options.output) / numbered_name(number),
                   options.formats);
  }
  if (work.unfinished > 0) {
    std::cerr << "note     : for " << work.unfinished << " of " << scores.size()
              << " versions no candidate came to the end of the bars\n";
  }
  if (options.json) {
    nlohmann::ordered_json out = {{"files", products.files}, {"pictures", products.pictures},
                                  {"audio", products.audio}, {"method", work.method},
                                  {"notes", products.notes}, {"seconds", work.seconds}};
    if (work.places > 0) out["places"] = work.places;
    if (!work.effective.empty()) out["effective_candidates"] = work.effective;
    out["backend"] = backend;
    print_json(out);
    return;
  }
  std::cout << "filled   : " << scores.size() << " versions by " << work.method << " in "
            << fixed_text(work.seconds, 2) << " s (" << backend << ")\n";
  if (work.places > 0) std::cout << "places   : " << work.places << " drawn in each\n";
  if (!work.effective.empty()) {
    double sum = 0.0;
    for (const double count : work.effective) sum += count;
    std::cout << "choice   : among " << options.resampling.candidates << " candidates, of which "
              << fixed_text(sum / static_cast<double>(work.effective.size()), 1)
              << " counted on average\n";
  }
  products.report();
}

int run_infill(std::span<char*> arguments) {
  InfillOptions options;
  Arguments parser("infill", "Write part of some music anew: bars, voices, or all of it.");
  add_options(parser, options);
  parser.footer(
      "Examples: cadenza infill --model deepbach/model.safetensors --input chorale.mid --keep S "
      "--output music\n"
      "          cadenza infill --model run/model.safetensors --input tune.mid --bars 5-8 "
      "--num-outputs 4 --output music");
  if (!parser.parse(arguments)) return kDone;
  parser.require("--model");
  parser.require("--output");
  check_values(parser, options);
  const ModelKind& kind = kind_of_file(options.model.file);
  check(kind.infill != nullptr, options.model.file, ": is of the kind ", kind.names.front(),
        ", expected infiller or lm");
  kind.infill(parser, options);
  return kDone;
}

}  // namespace cadenza::tools
