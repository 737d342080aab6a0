// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/score.h"
#include "cadenza/tokenizer.h"

namespace cadenza::tools {

/// A piece of music as it was found.
struct SourcePiece {
  std::string name;
  std::optional<Score> score;  ///< if it came as MIDI
  std::vector<Sequence> sequences;
  std::optional<Split> split = {};         ///< if the file says so
  std::vector<Sequence> sources = {};      ///< of pairs: one for each sequence
  std::optional<Score> source_score = {};  ///< of pairs, if they came as music
  std::string file = {};                   ///< its path
  std::string label = {};                  ///< of its style, if it has one
};

/// What the inputs of `cadenza prepare` hold.
struct Corpus {
  struct Note {
    std::string file;
    std::string text;
  };
  std::vector<SourcePiece> pieces;
  std::vector<std::string> accepted;  ///< files
  std::vector<Note> rejected;         ///< with the reason
  std::vector<Note> mended;           ///< damaged files that could be read in part
};

/// Files with a suffix that `prepare` reads, below every folder of `inputs`, sorted; files named
/// directly are always taken. FileError for an input that does not exist or a folder that has none.
std::vector<std::filesystem::path> collect_files(const std::vector<std::string>& inputs);

/// The tracks of `score` with this name, in capitals or not; the whole score if the name is empty.
/// ArgumentError lists the names there are.
Score only_track(const Score& score, const std::string& name);

/// How scores become pieces.
struct Encoding {
  const Tokenizer& tokenizer;
  std::string track = {};  ///< only the tracks of this name; "": all
  int bars = 0;            ///< cut into parts of so many bars; 0: not at all
  int part_steps = 0;      ///< keep only parts of exactly so many steps; 0: all

  /// The pieces of a score. ArgumentError says why there is none.
  std::vector<Sequence> encode(const Score& score) const;
};

/// Reads and encodes every file. A file that cannot be used is rejected, and never stops the rest;
/// a piece that was there already (the same steps) is rejected too, unless its file brings its own
/// splits.
Corpus read_corpus(const std::vector<std::filesystem::path>& files, const Encoding& encoding);

/// The transposed and stretched variants of a piece besides itself, without repetitions.
/// ArgumentError if that cannot be done with this kind of piece.
std::vector<Piece> augment(const SourcePiece& piece, const Encoding& encoding,
                           const std::vector<int>& semitones, const std::vector<double>& factors);

}  // namespace cadenza::tools
