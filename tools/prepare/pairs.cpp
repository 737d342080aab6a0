// SPDX-License-Identifier: Apache-2.0
#include "tools/prepare/pairs.h"

#include <algorithm>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/common/data_file.h"
#include "tools/common/progress.h"
#include "tools/prepare/bars.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

std::vector<std::int64_t> rescaled(std::vector<std::int64_t> ticks, int from, int to) {
  for (std::int64_t& tick : ticks) tick = tick * to / from;
  return ticks;
}

/// The pairs of two scores of the same music, as PairTokenizers make them.
void encode_pairs(const PairTokenizers& tokenizers, int bars, SourcePiece& piece) {
  const Score& source = *piece.source_score;
  const Score& target = *piece.score;
  const std::vector<std::int64_t> lines = bar_lines(source.end() > 0 ? source : target, 1);
  // The two files may count time differently.
  const std::vector<std::int64_t> target_lines =
      rescaled(lines, source.ticks_per_quarter, target.ticks_per_quarter);
  std::vector<bool> both = sounding_bars(source, lines);
  const std::vector<bool> in_target = sounding_bars(target, target_lines);
  for (std::size_t i = 0; i < both.size(); ++i) both[i] = both[i] && in_target[i];

  std::string reason = "holds no notes of a source and a target in the same bar";
  for (const BarSpan& span : bar_spans(both, bars)) {
    const Score read = cut(source, lines[span.begin], lines[span.end]);
    const Score written = cut(target, target_lines[span.begin], target_lines[span.end]);
    Sequence from = tokenizers.source->encode_primer(read, &reason);
    if (from.size() == 0) continue;
    Sequence to = tokenizers.target->encode_primer(written, &reason);
    if (to.size() == 0) continue;
    piece.sources.push_back(std::move(from));
    piece.sequences.push_back(std::move(to));
  }
  if (piece.sequences.empty()) throw ArgumentError(reason);
}

SourcePiece make_piece(std::string name, Score source, Score target) {
  return {.name = std::move(name),
          .score = std::move(target),
          .sequences = {},
          .source_score = std::move(source)};
}

/// Pairs of token numbers, row by row.
std::vector<SourcePiece> read_token_pairs(const fs::path& source, const fs::path& target,
                                          const PairTokenizers& tokenizers) {
  const auto rows = [](const fs::path& path, const Tokenizer& tokenizer) {
    Dataset data = load_npy_tokens(path);
    check(tokenizer.name() == "ids", path.string(),
          ": holds token numbers, expected tokenizer ids");
    for (const Piece& piece : data[Split::train]) {
      for (const std::int32_t id : piece.sequence.tokens) {
        check(id < tokenizer.vocabulary_size(), path.string(), ": holds the number ", id,
              ", the vocabulary is ", tokenizer.vocabulary_size());
      }
    }
    return std::move(data[Split::train]);
  };
  std::vector<Piece> read = rows(source, *tokenizers.source);
  std::vector<Piece> written = rows(target, *tokenizers.target);
  check(read.size() == written.size(), "has ", read.size(), " rows, ", target.string(), " has ",
        written.size());
  std::vector<SourcePiece> pieces;
  for (std::size_t i = 0; i < read.size(); ++i) {
    pieces.push_back({.name = written[i].name,
                      .score = {},
                      .sequences = {std::move(written[i].sequence)},
                      .sources = {std::move(read[i].sequence)}});
  }
  return pieces;
}

/// Four voices of every piece in a file, as the tokenizer of chorales understands them.
std::vector<SourcePiece> read_voices(const fs::path& path) {
  const auto tokenizer = make_tokenizer("chorale");
  std::vector<SourcePiece> pieces;
  if (file_kind(path) == FileKind::json) {
    const Dataset data = load_chorale_json(path, *tokenizer);
    const bool own_splits = !data[Split::valid].empty() || !data[Split::test].empty();
    for (const Split split : {Split::train, Split::valid, Split::test}) {
      for (const Piece& piece : data[split]) {
        const Score score = tokenizer->decode(piece.sequence);
        pieces.push_back(make_piece(piece.name, score, score));
        if (own_splits) pieces.back().split = split;
      }
    }
    return pieces;
  }
  std::string reason;
  const auto sequences = tokenizer->encode(read_midi_file(path).score, &reason);
  if (sequences.empty()) throw ArgumentError(reason);
  const Score score = tokenizer->decode(sequences.front());
  pieces.push_back(make_piece(path.filename().string(), score, score));
  return pieces;
}

/// A file that holds both sides.
std::vector<SourcePiece> read_both(const fs::path& path, const PairOptions& options) {
  if (!options.source_voices.empty()) return read_voices(path);
  const Score score = read_midi_file(path).score;
  std::vector<SourcePiece> pieces;
  pieces.push_back(make_piece(path.filename().string(), only_track(score, options.source_track),
                              only_track(score, options.target_track)));
  return pieces;
}

std::vector<SourcePiece> read_two(const fs::path& source, const PairOptions& options,
                                  const PairTokenizers& tokenizers) {
  fs::path target = options.target;
  if (fs::is_directory(options.source)) target /= fs::relative(source, options.source);
  if (!fs::exists(target)) throw ArgumentError(message("there is no ", target.string()));
  if (file_kind(source) == FileKind::npy) return read_token_pairs(source, target, tokenizers);
  std::vector<SourcePiece> pieces;
  pieces.push_back(make_piece(source.filename().string(),
                              only_track(read_midi_file(source).score, options.source_track),
                              only_track(read_midi_file(target).score, options.target_track)));
  return pieces;
}

bool all_npy(const PairOptions& options) {
  const std::vector<fs::path> files = collect_files({options.source, options.target});
  return std::all_of(files.begin(), files.end(),
                     [](const fs::path& file) { return file_kind(file) == FileKind::npy; });
}

std::string ids_of(const std::string& folder) {
  int vocabulary = 1;
  for (const fs::path& file : collect_files({folder})) {
    vocabulary = std::max(vocabulary, load_npy_tokens(file).vocabulary);
  }
  return message("ids:vocabulary=", vocabulary);
}

void check_together(const std::string& a, const std::string& b, std::string_view names) {
  if (a.empty() != b.empty()) {
    throw UsageError(message(names, " belong together, one is missing"));
  }
}

}  // namespace

bool PairOptions::asked() const {
  return !(source.empty() && target.empty() && source_track.empty() && target_track.empty() &&
           source_voices.empty() && target_voices.empty());
}

void add_pair_options(Arguments& arguments, PairOptions& options) {
  arguments.heading("Pairs of a source and a target, for train --model seq2seq");
  arguments.add("--source", options.source, "folder (or .npy file) of the sources");
  arguments.add("--target", options.target, "folder of the targets, with the same file names");
  arguments.add("--source-track", options.source_track, "name of the track to read in each file");
  arguments.add("--target-track", options.target_track, "name of the track to write");
  arguments.add("--source-voices", options.source_voices, "voices of chorales to read, as in S");
  arguments.add("--target-voices", options.target_voices, "voices to write, as in ATB");
  arguments.add("--source-tokenizer", options.source_tokenizer,
                "how sources become steps; by default as --tokenizer says for the targets");
}

PairTokenizers choose_pair_tokenizers(const PairOptions& options, const std::string& tokenizer) {
  check_together(options.source, options.target, "--source and --target");
  check_together(options.source_voices, options.target_voices,
                 "--source-voices and --target-voices");
  if (options.source.empty()) {
    check_together(options.source_track, options.target_track, "--source-track and --target-track");
  }
  std::string target = tokenizer;
  std::string source = options.source_tokenizer.empty() ? tokenizer : options.source_tokenizer;
  if (!options.source_voices.empty()) {
    if (!options.source.empty() || !options.source_track.empty() || !source.empty()) {
      throw UsageError("--source-voices and --target-voices exclude other sources and tokenizers");
    }
    source = "chorale:voices=" + options.source_voices;
    target = "chorale:voices=" + options.target_voices;
  } else if (!options.source.empty() && target.empty() && all_npy(options)) {
    source = ids_of(options.source);
    target = ids_of(options.target);
  }
  if (target.empty()) throw UsageError("--tokenizer is missing: how targets become steps");
  PairTokenizers tokenizers = {parse_tokenizer(source), parse_tokenizer(target)};
  for (const auto& side : {tokenizers.source.get(), tokenizers.target.get()}) {
    if (side->step_kind() == StepKind::frame) {
      throw UsageError(message("--tokenizer ", side->name(), " makes frames, pairs are of tokens"));
    }
    if (side->name() == "performance") {
      throw UsageError("--tokenizer performance counts seconds, pairs go by bars; remi does too");
    }
  }
  return tokenizers;
}

PairInfo pair_info(const PairOptions& options, const Tokenizer& source) {
  return {.tokenizer_name = std::string(source.name()),
          .tokenizer_settings = source.settings(),
          .vocabulary = source.vocabulary_size(),
          .track = options.source_track,
          .bars = options.bars};
}

Corpus read_pairs(const PairOptions& options, const std::vector<std::string>& inputs,
                  const PairTokenizers& tokenizers) {
  const bool two = !options.source.empty();
  const std::vector<fs::path> files = collect_files(two ? std::vector{options.source} : inputs);
  Corpus corpus;
  Progress progress("reading");
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string file = files[i].string();
    try {
      std::vector<SourcePiece> pieces =
          two ? read_two(files[i], options, tokenizers) : read_both(files[i], options);
      for (SourcePiece& piece : pieces) {
        if (piece.score) encode_pairs(tokenizers, options.bars, piece);
      }
      std::move(pieces.begin(), pieces.end(), std::back_inserter(corpus.pieces));
      corpus.accepted.push_back(file);
    } catch (const Error& error) {
      std::string reason = error.what();
      if (reason.starts_with(file + ": ")) reason.erase(0, file.size() + 2);
      corpus.rejected.push_back({file, reason});
    }
    progress.update(static_cast<double>(i + 1) / static_cast<double>(files.size()), file);
  }
  return corpus;
}

std::vector<Piece> augment_pairs(const SourcePiece& piece, const PairTokenizers& tokenizers,
                                 const std::vector<int>& semitones, int bars) {
  std::vector<Piece> out;
  for (const int shift : semitones) {
    if (shift == 0) continue;
    check(piece.score.has_value(), piece.name, ": --transpose cannot move bare token numbers");
    SourcePiece moved =
        make_piece(message(piece.name, " ", shift < 0 ? "" : "+", shift),
                   transpose(*piece.source_score, shift), transpose(*piece.score, shift));
    try {
      encode_pairs(tokenizers, bars, moved);
    } catch (const ArgumentError&) {
      continue;  // it leaves the range of the tokenizer
    }
    for (std::size_t i = 0; i < moved.sequences.size(); ++i) {
      out.push_back({moved.name, std::move(moved.sequences[i]), std::move(moved.sources[i])});
    }
  }
  return out;
}

}  // namespace cadenza::tools
