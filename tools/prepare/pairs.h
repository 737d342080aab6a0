// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/tokenizer.h"
#include "tools/common/arguments.h"
#include "tools/prepare/corpus.h"

namespace cadenza::tools {

/// Where `cadenza prepare` finds pairs: files of the same names in two folders, two tracks of one
/// file, or voices of one chorale.
struct PairOptions {
  std::string source, target;
  std::string source_track, target_track;
  std::string source_voices, target_voices;
  std::string source_tokenizer;
  int bars = 0;

  bool asked() const;
};
void add_pair_options(Arguments& arguments, PairOptions& options);

/// What turns music into sources and targets.
struct PairTokenizers {
  std::unique_ptr<Tokenizer> source;
  std::unique_ptr<Tokenizer> target;
};
/// UsageError if the options contradict each other or `tokenizer`, what --tokenizer says.
PairTokenizers choose_pair_tokenizers(const PairOptions& options, const std::string& tokenizer);
PairInfo pair_info(const PairOptions& options, const Tokenizer& source);

/// Reads every pair of files, or each file of `inputs`; as read_corpus otherwise.
Corpus read_pairs(const PairOptions& options, const std::vector<std::string>& inputs,
                  const PairTokenizers& tokenizers);
/// The transposed variants of the pairs of a piece. ArgumentError if they are bare token numbers.
std::vector<Piece> augment_pairs(const SourcePiece& piece, const PairTokenizers& tokenizers,
                                 const std::vector<int>& semitones, int bars);

}  // namespace cadenza::tools
