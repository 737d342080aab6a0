// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cadenza/error.h"
#include "tools/common/arguments.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/prepare/corpus.h"
#include "tools/prepare/labels.h"
#include "tools/prepare/pairs.h"
#include "tools/prepare/splits_like.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

struct PrepareOptions {
  std::vector<std::string> inputs;
  std::string tokenizer;
  std::string output;
  std::string split = "0.8,0.1,0.1";
  std::string split_like;
  std::uint64_t seed = 1;
  std::string transpose = "0";
  std::string stretch = "1";
  std::string track;
  std::string labels;
  int part_steps = 0;
  PairOptions pairs;
  bool json = false;
};

constexpr int kLargestShift = 48;

/// "-5..6" or "-2,0,2".
std::vector<int> parse_shifts(const std::string& text) {
  std::vector<int> shifts;
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) {
    for (const std::string& item : split_list(text)) {
      shifts.push_back(parse_integer(item, "--transpose"));
    }
  } else {
    const int first = parse_integer(text.substr(0, dots), "--transpose");
    const int last = parse_integer(text.substr(dots + 2), "--transpose");
    if (first > last) throw UsageError(message("--transpose: ", first, " is above ", last));
    if (first >= -kLargestShift && last <= kLargestShift) {
      for (int shift = first; shift <= last; ++shift) shifts.push_back(shift);
    } else {
      shifts = {first, last};
    }
  }
  for (const int shift : shifts) {
    if (shift < -kLargestShift || shift > kLargestShift) {
      throw UsageError(message("--transpose: ", shift, " semitones are outside ", -kLargestShift,
                               "..", kLargestShift));
    }
  }
  return shifts;
}

std::vector<double> parse_factors(const std::string& text) {
  std::vector<double> factors;
  for (const std::string& item : split_list(text)) {
    factors.push_back(parse_number(item, "--stretch"));
    if (!(factors.back() >= 0.1 && factors.back() <= 10.0)) {
      throw UsageError(message("--stretch: factor ", item, " is outside 0.1..10"));
    }
  }
  return factors;
}

/// Only steps in seconds feel another tempo; on a grid of beats every factor gives the same steps.
void check_stretch(const std::vector<double>& factors, const Tokenizer& tokenizer) {
  const bool stretches =
      std::any_of(factors.begin(), factors.end(), [](double factor) { return factor != 1.0; });
  if (stretches && !tokenizer.keeps_time()) {
    throw UsageError(message("--stretch: steps of '", tokenizer.name(),
                             "' follow the beat, which no tempo changes; expected tokenizer ",
                             "performance"));
  }
}

/// What --tokenizer says, or what the files suggest.
std::unique_ptr<Tokenizer> choose_tokenizer(const PrepareOptions& options,
                                            const std::vector<fs::path>& files) {
  if (!options.tokenizer.empty() && options.tokenizer != "ids") {
    return parse_tokenizer(options.tokenizer);
  }
  const auto all_are = [&](FileKind kind) {
    return std::all_of(files.begin(), files.end(),
                       [&](const fs::path& file) { return file_kind(file) == kind; });
  };
  if (all_are(FileKind::npy)) {
    int vocabulary = 1;
    for (const fs::path& file : files) {
      vocabulary = std::max(vocabulary, load_npy_tokens(file).vocabulary);
    }
    return make_tokenizer("ids", message("vocabulary=", vocabulary));
  }
  if (options.tokenizer.empty() && all_are(FileKind::json)) return make_tokenizer("pianoroll");
  std::string known;
  for (const TokenizerInfo& info : tokenizers()) {
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  throw UsageError(message(
      options.tokenizer.empty() ? "--tokenizer is missing" : "--tokenizer ids needs .npy input",
      "; known: ", known));
}

/// Which of the labels it is; -1 without labels.
std::int32_t number_of(const std::string& label, const std::vector<std::string>& labels) {
  if (labels.empty()) return -1;
  return static_cast<std::int32_t>(std::find(labels.begin(), labels.end(), label) - labels.begin());
}

/// The further training pieces that a piece gives.
using Augment = std::function<std::vector<Piece>(const SourcePiece&)>;

Dataset make_dataset(const Corpus& corpus, const Tokenizer& tokenizer,
                     const PrepareOptions& options, const std::vector<std::string>& labels,
                     const Augment& augmented) {
  Dataset data;
  data.tokenizer_name = tokenizer.name();
  data.tokenizer_settings = tokenizer.settings();
  data.step_kind = tokenizer.step_kind();
  data.vocabulary = tokenizer.vocabulary_size();

  data.labels = labels;

  std::vector<std::uint64_t> hashes;
  for (const SourcePiece& piece : corpus.pieces) {
    if (!piece.split) hashes.push_back(content_hash(piece.sequences.front()));
  }
  const std::vector<Split> assigned =
      assign_splits(hashes, parse_split(options.split), options.seed);
  std::size_t next = 0;
  Progress progress("encoding");
  for (std::size_t i = 0; i < corpus.pieces.size(); ++i) {
    const SourcePiece& piece = corpus.pieces[i];
    const Split split = piece.split ? *piece.split : assigned[next++];
    const std::int32_t label = number_of(piece.label, labels);
    for (std::size_t s = 0; s < piece.sequences.size(); ++s) {
      data[split].push_back({piece.name, piece.sequences[s],
                             piece.sources.empty() ? Sequence() : piece.sources[s], label});
    }
    if (split != Split::train) continue;
    for (Piece& extra : augmented(piece)) {
      extra.label = label;
      data[split].push_back(std::move(extra));
    }
    progress.update(static_cast<double>(i + 1) / static_cast<double>(corpus.pieces.size()),
                    piece.name);
  }
  return data;
}

void report_files(const Corpus& corpus) {
  for (const Corpus::Note& note : corpus.rejected) {
    std::cerr << "rejected : " << note.file << ": " << note.text << '\n';
  }
  if (!corpus.mended.empty()) {
    std::cerr << "mended   : " << corpus.mended.size()
              << " faults in damaged files that could be read all the same (--json lists them)\n";
  }
}

nlohmann::ordered_json notes_json(const std::vector<Corpus::Note>& notes) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Corpus::Note& note : notes)
    out.push_back({{"file", note.file}, {"reason", note.text}});
  return out;
}

void report(const Corpus& corpus, const Dataset& data, const PrepareOptions& options) {
  nlohmann::ordered_json splits;
  std::size_t pieces = 0;
  std::size_t steps = 0;
  const std::string_view unit = data.step_kind == StepKind::token ? " tokens" : " frames";
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    const std::string name(kSplitNames[static_cast<std::size_t>(split)]);
    const std::size_t count = step_count(data[split]);
    pieces += data[split].size();
    steps += count;
    splits[name] = {{"pieces", data[split].size()}, {"tokens", count}};
    if (!options.json) {
      std::cout << name << std::string(9 - name.size(), ' ') << ": " << data[split].size()
                << " pieces, " << count << unit << '\n';
    }
  }
  if (options.json) {
    nlohmann::ordered_json out = {{"accepted", corpus.accepted.size()},
                                  {"rejected", notes_json(corpus.rejected)},
                                  {"mended", notes_json(corpus.mended)},
                                  {"pieces", pieces},
                                  {"tokens", steps},
                                  {"splits", splits},
                                  {"tokenizer", data.tokenizer_name},
                                  {"tokenizer_settings", data.tokenizer_settings},
                                  {"vocabulary", data.vocabulary},
                                  {"output", options.output}};
    if (!data.labels.empty()) out["labels"] = label_totals(data);
    print_json(out);
    return;
  }
  std::cout << "files    : " << corpus.accepted.size() << " accepted, " << corpus.rejected.size()
            << " rejected\ntokenizer: " << data.tokenizer_name << ", vocabulary " << data.vocabulary
            << '\n';
  if (!data.labels.empty()) {
    std::cout << "labels   :";
    const nlohmann::ordered_json totals = label_totals(data);
    for (const auto& [label, count] : totals.items()) {
      std::cout << ' ' << label << ' ' << count;
    }
    std::cout << '\n';
  }
  std::cout << "wrote    : " << options.output << '\n';
}

void check_usable(const Corpus& corpus) {
  if (!corpus.pieces.empty()) return;
  throw FileError(message("none of the ", corpus.rejected.size(), " files is usable; the first, ",
                          corpus.rejected.front().file, ", ", corpus.rejected.front().text));
}

int prepare_pieces(const PrepareOptions& options) {
  const std::vector<int> shifts = parse_shifts(options.transpose);
  const std::vector<double> factors = parse_factors(options.stretch);
  std::optional<Labeller> labeller;
  if (!options.labels.empty()) labeller.emplace(options.labels);
  const std::vector<fs::path> files = collect_files(options.inputs);
  const std::unique_ptr<Tokenizer> tokenizer = choose_tokenizer(options, files);
  check_stretch(factors, *tokenizer);
  const Encoding encoding = {.tokenizer = *tokenizer,
                             .track = options.track,
                             .bars = options.pairs.bars,
                             .part_steps = options.part_steps};
  Corpus corpus = read_corpus(files, encoding);
  if (!options.split_like.empty()) follow_splits(corpus, options.split_like);
  std::vector<std::string> labels;
  if (labeller) labels = label_pieces(*labeller, corpus);
  report_files(corpus);
  check_usable(corpus);
  Dataset data = make_dataset(corpus, *tokenizer, options, labels, [&](const SourcePiece& piece) {
    return augment(piece, encoding, shifts, factors);
  });
  data.music = {.bars = encoding.bars, .metres = common_metres(corpus, labels)};
  save_dataset(data, options.output);
  report(corpus, data, options);
  return kDone;
}

int prepare_pairs(const PrepareOptions& options) {
  const std::vector<int> shifts = parse_shifts(options.transpose);
  if (!options.labels.empty()) throw UsageError("--labels does not apply to pairs");
  if (options.stretch != "1") throw UsageError("--stretch does not apply to pairs");
  const PairTokenizers tokenizers = choose_pair_tokenizers(options.pairs, options.tokenizer);
  Corpus corpus = read_pairs(options.pairs, options.inputs, tokenizers);
  if (!options.split_like.empty()) follow_splits(corpus, options.split_like);
  report_files(corpus);
  check_usable(corpus);
  Dataset data =
      make_dataset(corpus, *tokenizers.target, options, {}, [&](const SourcePiece& piece) {
        return augment_pairs(piece, tokenizers, shifts, options.pairs.bars);
      });
  data.pairs = pair_info(options.pairs, *tokenizers.source);
  save_dataset(data, options.output);
  report(corpus, data, options);
  return kDone;
}

}  // namespace

int run_prepare(std::span<char*> arguments) {
  PrepareOptions options;
  Arguments parser("prepare", "Turn MIDI, frame or token files into one data file.");
  std::string known;
  for (const TokenizerInfo& info : tokenizers()) {
    known += message("\n  ", info.name, ": ", info.summary);
  }
  parser.add("--input", options.inputs,
             "files and folders: .mid .midi .kar, .json frame sets, .npy token arrays");
  parser.add("--tokenizer", options.tokenizer,
             "how music becomes steps, NAME or NAME:key=value;...:" + known);
  parser.add("--output", options.output, "the data file to write (safetensors)");
  parser.add("--split", options.split, "shares of train, valid and test, by piece");
  parser.add("--seed", options.seed, "another seed gives another split");
  parser.add("--split-like", options.split_like,
             "a data file: what it has of the same files is in the same split here, however cut");
  parser.add("--transpose", options.transpose,
             "semitones by which training pieces are repeated: -5..6 or -2,0,2");
  parser.add("--stretch", options.stretch,
             "tempo factors for the same (tokenizer performance): 0.95,1,1.05");
  parser.add("--bars", options.pairs.bars,
             "cut MIDI files into parts of so many bars, as train --model vae wants them; 0: no");
  parser.add("--part-steps", options.part_steps,
             "of the parts of --bars keep only those of exactly so many steps: whole bars of one "
             "metre; 0: all");
  parser.add("--track", options.track, "read only the tracks of this name, for example MELODY");
  parser.add("--labels", options.labels,
             "the style of each file: folder (it lies in), name (letters it begins with), "
             "name:REGEX (first group) or a CSV file of lines 'file,label'");
  parser.add("--json", options.json, "print one JSON object on stdout");
  add_pair_options(parser, options.pairs);
  parser.add_settings(Arguments::Presets::no);
  parser.footer(
      "Example: cadenza prepare --input ~/my-midi --tokenizer performance "
      "--transpose -5..6 --output data.safetensors");
  if (!parser.parse(arguments)) return kDone;
  parser.require("--output");
  parse_split(options.split);
  const bool pairs = options.pairs.asked();
  if (options.pairs.bars < 0) {
    throw UsageError(message("--bars is ", options.pairs.bars, ", expected 0 or more"));
  }
  if (options.part_steps < 0) {
    throw UsageError(message("--part-steps is ", options.part_steps, ", expected 0 or more"));
  }
  if (options.part_steps > 0 && (pairs || options.pairs.bars == 0)) {
    throw UsageError("--part-steps is for single pieces cut by --bars");
  }
  if (pairs && !options.track.empty()) {
    throw UsageError("--track is for single pieces, pairs have --source-track and --target-track");
  }
  if (!pairs || options.pairs.source.empty()) parser.require("--input");
  return pairs ? prepare_pairs(options) : prepare_pieces(options);
}

}  // namespace cadenza::tools
